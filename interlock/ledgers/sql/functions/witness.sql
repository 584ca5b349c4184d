-- Keep a seal of another journal, once; whether it is new here. Like a record, it is in flight until it commits.
CREATE OR REPLACE FUNCTION ledger.witness(_digest text, _seal jsonb, _signature jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    IF _seal ->> 'journal' = (SELECT i.ledger FROM ledger.identity AS i) THEN
        RAISE EXCEPTION 'a journal does not witness itself' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM FROM ledger.witnessed AS w
    WHERE w.journal = _seal ->> 'journal' AND w.number = (_seal ->> 'number')::bigint AND w.digest = _digest;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(1, 0);
    INSERT INTO ledger.witnessed (journal, number, digest, seal, signature, at)
    VALUES (_seal ->> 'journal', (_seal ->> 'number')::bigint, _digest, _seal, _signature, ledger.clock())
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
