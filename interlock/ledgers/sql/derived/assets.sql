-- The assets: those of the genesis, and those that were ordered since.
SELECT coalesce(a.code, f.code) AS key, to_jsonb(a) AS stands, to_jsonb(f) AS follows
FROM ledger.assets AS a FULL JOIN (
    SELECT said.asset ->> 'code' AS code, (said.asset ->> 'decimals')::integer AS decimals FROM (
        SELECT jsonb_array_elements(e.authority -> 'assets') AS asset FROM ledger.entries AS e
        WHERE e.operation = 'genesis'
        UNION ALL
        SELECT e.authority #> '{order,asset}' FROM ledger.entries AS e WHERE e.operation = 'asset'
    ) AS said
) AS f ON f.code = a.code
WHERE to_jsonb(a) IS DISTINCT FROM to_jsonb(f) LIMIT 101
