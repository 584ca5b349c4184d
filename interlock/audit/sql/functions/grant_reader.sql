-- Reads everything; adds nothing.
CREATE OR REPLACE FUNCTION audit.grant_reader(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', _role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA audit TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.longest_wait TO %I', _role);
END $$;
