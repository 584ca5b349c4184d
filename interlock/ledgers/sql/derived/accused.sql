-- The attestors that were ever accused: by which entry last, and whether it left them out or re-admitted them.
SELECT coalesce(a.attestor, f.attestor) AS key, to_jsonb(a) AS stands, to_jsonb(f) AS follows
FROM ledger.accused AS a FULL JOIN (
    SELECT DISTINCT ON (s.attestor) s.attestor, s.operation = 'accuse' AS left_out, s.position AS entry
    FROM (
        SELECT CASE e.operation WHEN 'accuse' THEN e.authority #>> '{first,signature,signer}'
            ELSE e.authority #>> '{order,attestor}' END AS attestor, e.operation, e.position
        FROM ledger.entries AS e WHERE e.operation IN ('accuse', 'readmit')
    ) AS s ORDER BY s.attestor, s.position DESC
) AS f ON f.attestor = a.attestor
WHERE to_jsonb(a) IS DISTINCT FROM to_jsonb(f) LIMIT 101
