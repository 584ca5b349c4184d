-- One verdict row per terms hash, and it says what the journal says was decided.
WITH decided AS (
    SELECT e.terms_hash, array_agg(e.operation ORDER BY e.position) AS operations, array_agg(e.position) AS positions
    FROM ledger.entries AS e WHERE e.operation IN ('pay', 'void') GROUP BY e.terms_hash
), rows AS (
    SELECT terms_hash, array_agg(CASE verdict WHEN 'PAID' THEN 'pay' ELSE 'void' END) AS operations,
        array_agg(entry) AS positions
    FROM ledger.verdicts GROUP BY terms_hash
), wrong AS (
    SELECT format('the journal says %s of %s, the verdict row %s', coalesce(d.operations::text, 'nothing'), terms_hash,
        coalesce(r.operations::text, 'nothing')) AS violation
    FROM decided AS d FULL JOIN rows AS r USING (terms_hash)
    WHERE d.operations IS DISTINCT FROM r.operations OR d.positions IS DISTINCT FROM r.positions
        OR cardinality(r.operations) <> 1
)
SELECT (SELECT count(*) FROM rows) AS checked, ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
