-- Every row that an effect wrote has its journal entry, with authority and the trace and span of the attempt.
WITH wrong AS (
    SELECT format('entry %s (%s) lacks its authority or its attempt', position, operation) AS violation
    FROM ledger.entries
    WHERE operation <> 'genesis'
        AND (authority IN ('{}', 'null') OR trace_id = repeat('0', 32) OR span_id = repeat('0', 16) OR actor = '')
    UNION ALL
    SELECT format('entry %s (%s of %s) has no row', e.position, e.operation, e.terms_hash)
    FROM ledger.entries AS e
    WHERE e.operation IN ('lock', 'release', 'refund', 'pay', 'void')
        -- one table after the other, and no OR: each is then read once, and not once for each entry
        AND NOT EXISTS (SELECT FROM ledger.locks AS l WHERE l.lock_entry = e.position)
        AND NOT EXISTS (SELECT FROM ledger.locks AS l WHERE l.ending_entry = e.position)
        AND NOT EXISTS (SELECT FROM ledger.verdicts AS v WHERE v.entry = e.position)
    UNION ALL
    SELECT format('%s %s of %s has no entry', t.row, t.state, t.terms_hash)
    FROM (
        SELECT 'lock' AS row, state, terms_hash, unnest(ARRAY[lock_entry, ending_entry]) AS entry FROM ledger.locks
        UNION ALL
        SELECT 'verdict', verdict, terms_hash, entry FROM ledger.verdicts
    ) AS t LEFT JOIN ledger.entries AS e ON e.position = t.entry AND e.terms_hash = t.terms_hash
    WHERE t.entry IS NOT NULL AND e.position IS NULL
)
SELECT (SELECT count(*) FROM ledger.entries WHERE operation <> 'genesis') AS checked,
    ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
