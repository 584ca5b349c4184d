-- The operators: those of the genesis.
SELECT coalesce(o.address, f.address) AS key, to_jsonb(o) AS stands, to_jsonb(f) AS follows
FROM ledger.operators AS o FULL JOIN (
    SELECT jsonb_array_elements_text(e.authority -> 'operators') AS address
    FROM ledger.entries AS e WHERE e.operation = 'genesis'
) AS f ON f.address = o.address
WHERE to_jsonb(o) IS DISTINCT FROM to_jsonb(f) LIMIT 101
