-- Open locks and verdicts that no entry of their own speaks of; the others stand beside their entries.
SELECT l.terms_hash, l.signed FROM ledger.locks AS l
WHERE l.state = 'locked'
    AND NOT EXISTS (SELECT FROM ledger.entries AS e WHERE e.terms_hash = l.terms_hash AND e.operation = 'lock')
UNION ALL
SELECT v.terms_hash, v.signed FROM ledger.verdicts AS v
WHERE NOT EXISTS (SELECT FROM ledger.entries AS e WHERE e.terms_hash = v.terms_hash AND e.operation IN ('pay', 'void'))
