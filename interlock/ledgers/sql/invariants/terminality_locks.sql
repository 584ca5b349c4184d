-- A lock ends once, by the entry that its state names, after it was locked; nothing happens to its terms afterwards.
WITH wrong AS (
    SELECT format('lock of %s reads %s and its ending entry %s', l.terms_hash, l.state,
        coalesce(e.operation, 'is missing')) AS violation
    FROM ledger.locks AS l LEFT JOIN ledger.entries AS e ON e.position = l.ending_entry AND e.terms_hash = l.terms_hash
    WHERE l.state <> 'locked' AND e.operation IS DISTINCT FROM CASE l.state WHEN 'released' THEN 'release' ELSE 'refund' END
    UNION ALL
    SELECT format('lock of %s has no lock entry of its own', l.terms_hash)
    FROM ledger.locks AS l LEFT JOIN ledger.entries AS e ON e.position = l.lock_entry AND e.terms_hash = l.terms_hash
    WHERE l.lock_entry IS NOT NULL AND e.operation IS DISTINCT FROM 'lock'
    UNION ALL
    SELECT format('entry %s (%s of %s) came after the end', e.position, e.operation, e.terms_hash)
    FROM ledger.locks AS l JOIN ledger.entries AS e ON e.terms_hash = l.terms_hash AND e.position > l.ending_entry
    WHERE e.operation IN ('lock', 'release', 'refund')
    UNION ALL
    SELECT format('lock of %s has no end, and entry %s says %s', l.terms_hash, e.position, e.operation)
    FROM ledger.locks AS l JOIN ledger.entries AS e ON e.terms_hash = l.terms_hash
    WHERE l.state = 'locked' AND e.operation IN ('release', 'refund')
)
SELECT (SELECT count(*) FROM ledger.locks) AS checked, ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
