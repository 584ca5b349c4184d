-- Keep a seal of another journal, once; whether it is new here. Like a record, it is in flight until it commits.
-- A seal of this very trail is kept too: by who has seen it elsewhere, where the trail has lost it.
CREATE OR REPLACE FUNCTION audit.witness(_digest text, _seal jsonb, _signature jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
BEGIN
    PERFORM FROM audit.witnessed AS w
    WHERE w.journal = _seal ->> 'journal' AND w.number = (_seal ->> 'number')::bigint AND w.digest = _digest;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(1, 0);
    INSERT INTO audit.witnessed (journal, number, digest, seal, signature, at)
    VALUES (_seal ->> 'journal', (_seal ->> 'number')::bigint, _digest, _seal, _signature, clock_timestamp())
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
