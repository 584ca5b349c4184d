-- The whole journal, with the terms that each entry is about, for somebody who trusts none of it.
SELECT e.position, e.operation, e.terms_hash, e.order_digest, e.at, e.authority,
    coalesce(l.signed, v.signed) AS signed,
    v.terms_hash IS NOT NULL OR (e.operation = 'lock' AND l.state IS NOT DISTINCT FROM 'locked') AS to_finish
FROM ledger.entries AS e
LEFT JOIN ledger.locks AS l ON l.terms_hash = e.terms_hash AND e.operation IN ('lock', 'release', 'refund')
LEFT JOIN ledger.verdicts AS v ON v.terms_hash = e.terms_hash AND e.operation IN ('pay', 'void')
ORDER BY e.position
