-- Leave an attestor out of every quorum, once its misconduct is proven: the caller has verified it, and `_digest` says which
-- it is. The same misconduct does so once: who was re-admitted since is left out again by another one only.
CREATE OR REPLACE FUNCTION ledger.accuse(_digest text, _attestor text, _misconduct jsonb, _attempt jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _standing bigint;
    _receipt jsonb;
BEGIN
    FOR _look IN 1..2 LOOP -- whoever asks again does not keep settlements waiting
        SELECT position INTO _standing FROM ledger.entries WHERE order_digest = _digest;
        IF FOUND THEN
            RETURN ledger.receipt(_standing);
        END IF;
        PERFORM ledger.hold_attestors(true);
    END LOOP;

    IF NOT EXISTS (SELECT FROM ledger.attestor_sets WHERE _attestor = ANY (keys)) THEN
        RETURN ledger.refusal('unknown_attestor', 'attestor', _attestor);
    END IF;

    _receipt := ledger.write_entry('accuse', NULL, NULL, _digest, ledger.clock(),
        'misconduct of ' || _attestor, _misconduct, _attempt);
    PERFORM ledger.note_accused(_attestor, true, (_receipt -> 'position')::bigint);
    RETURN _receipt;
END $$;
