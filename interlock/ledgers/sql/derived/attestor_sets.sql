-- The attestor sets, as the genesis and the orders replayed (replay.py) leave them: $1, one object for each row.
SELECT format('%s, epoch %s', coalesce(s.name, f.row ->> 'name'), coalesce(s.epoch::text, f.row ->> 'epoch')) AS key,
    to_jsonb(s) AS stands, f.row AS follows
FROM ledger.attestor_sets AS s FULL JOIN (SELECT jsonb_array_elements($1::jsonb) AS row) AS f
    ON f.row ->> 'name' = s.name AND f.row ->> 'epoch' = s.epoch::text
WHERE to_jsonb(s) IS DISTINCT FROM f.row LIMIT 101
