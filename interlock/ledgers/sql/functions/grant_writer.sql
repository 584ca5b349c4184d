-- The role that *is* this ledger: it reads everything, writes through the operations only, notes whom it has woken,
-- and keeps seals.
CREATE OR REPLACE FUNCTION ledger.grant_writer(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger.grant_auditor(_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.check, ledger.lock, ledger.release, ledger.refund, ledger.pay, '
        'ledger.void, ledger.resume, ledger.order, ledger.accuse TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.seal, ledger.witness TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.note_woken, ledger.drop_waiters TO %I', _role);
END $$;
