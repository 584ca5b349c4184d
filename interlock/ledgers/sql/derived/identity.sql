-- Which ledger this is: what its genesis says.
SELECT coalesce(i.ledger, f.ledger) AS key, to_jsonb(i) AS stands, to_jsonb(f) AS follows
FROM ledger.identity AS i FULL JOIN (
    SELECT true AS only_row, e.authority ->> 'ledger' AS ledger, e.authority ->> 'network' AS network
    FROM ledger.entries AS e WHERE e.operation = 'genesis'
) AS f ON f.only_row = i.only_row
WHERE to_jsonb(i) IS DISTINCT FROM to_jsonb(f) LIMIT 101
