-- Attestors: which ledger this is, its locks and its verdicts, and whose signatures do not count.
CREATE OR REPLACE FUNCTION ledger.grant_reader(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA ledger TO %I', _role);
    EXECUTE format('GRANT SELECT ON ledger.identity, ledger.operators, ledger.lock_facts, ledger.verdict_facts, '
        'ledger.left_out TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.worded TO %I', _role);
END $$;
