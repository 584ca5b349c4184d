-- Whoever relies on attestor sets, or changes them, says so first: so the set that counted when an entry was written is
-- the one that the journal shows to have counted.
CREATE OR REPLACE FUNCTION ledger.hold_attestors(_to_change boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF _to_change THEN
        PERFORM pg_advisory_xact_lock(3, 0);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(3, 0);
    END IF;
END $$;
