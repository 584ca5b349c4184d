-- Keep the next seal of this journal; false if another one has become the next: its keeper looks again. The signature is
-- for others to verify; that the block is whole and goes on from the seal before is seen to here.
CREATE OR REPLACE FUNCTION ledger.seal(
    _digest text, _seal jsonb, _signature jsonb, _positions bigint[], _witnessed bigint[], _leaves bytea
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _number bigint := (_seal ->> 'number')::bigint;
    _before record;
BEGIN
    PERFORM pg_advisory_xact_lock(4, 0); -- one seals at a time
    SELECT coalesce(max(s.number), 0) AS number INTO _before FROM ledger.seals AS s;
    IF _number <= _before.number THEN
        RETURN false;
    END IF;
    SELECT n.number, coalesce(s.digest, '0x' || repeat('00', 32)) AS digest,
        coalesce((s.seal ->> 'through')::bigint, 0) AS through, coalesce((s.seal ->> 'witnessed')::bigint, 0) AS witnessed
    INTO _before FROM (SELECT _before.number AS number) AS n LEFT JOIN ledger.seals AS s USING (number);
    IF _number <> _before.number + 1
        OR _seal ->> 'journal' <> (SELECT i.ledger FROM ledger.identity AS i)
        OR _seal ->> 'previous' <> _before.digest
        OR (_seal ->> 'at')::timestamptz > ledger.clock()
        OR (_seal ->> 'records')::bigint <> cardinality(_positions) + cardinality(_witnessed)
        OR cardinality(_positions) = 0
        OR (_seal ->> 'through')::bigint <> _positions[cardinality(_positions)]
        OR (_seal ->> 'witnessed')::bigint <> coalesce(_witnessed[cardinality(_witnessed)], _before.witnessed)
        OR _positions <> ARRAY(SELECT e.position FROM ledger.entries AS e
            WHERE e.position > _before.through AND e.position <= (_seal ->> 'through')::bigint ORDER BY e.position)
        OR _witnessed <> ARRAY(SELECT w.id FROM ledger.witnessed AS w
            WHERE w.id > _before.witnessed AND w.id <= (_seal ->> 'witnessed')::bigint ORDER BY w.id)
    THEN
        RAISE EXCEPTION 'seal % is not the one that follows seal %', _number, _before.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO ledger.seals (number, digest, seal, signature, positions, witnessed, leaves)
    VALUES (_number, _digest, _seal, _signature, _positions, _witnessed, _leaves);
    RETURN true;
END $$;
