-- The last in an attestor set's line of successors.
CREATE OR REPLACE FUNCTION ledger.last_epoch(_name text, _epoch bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE line AS (
        SELECT s.epoch, s.succeeded_by FROM ledger.attestor_sets AS s WHERE s.name = _name AND s.epoch = _epoch
        UNION ALL
        SELECT s.epoch, s.succeeded_by
        FROM line JOIN ledger.attestor_sets AS s ON s.name = _name AND s.epoch = line.succeeded_by
    )
    SELECT epoch FROM line WHERE succeeded_by IS NULL
$$;
