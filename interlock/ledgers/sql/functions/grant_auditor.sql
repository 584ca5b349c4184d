-- Reads everything, writes nothing.
CREATE OR REPLACE FUNCTION ledger.grant_auditor(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger.grant_reader(_role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.clock, ledger.settled_position TO %I', _role);
END $$;
