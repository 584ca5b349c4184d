-- What the ledger's other tables say of an entry, whatever stands there now.
SELECT settlement_id, terms_hash, operation, signed FROM (
    SELECT l.settlement_id, l.terms_hash, CASE WHEN l.lock_entry = $1 THEN 'lock'
        ELSE CASE l.state WHEN 'released' THEN 'release' ELSE 'refund' END END AS operation,
        CASE WHEN l.lock_entry = $1 THEN l.signed END AS signed
    FROM ledger.locks AS l WHERE l.lock_entry = $1 OR l.ending_entry = $1
    UNION ALL
    SELECT v.settlement_id, v.terms_hash, CASE v.verdict WHEN 'PAID' THEN 'pay' ELSE 'void' END, v.signed
    FROM ledger.verdicts AS v WHERE v.entry = $1
) AS said LIMIT 1
