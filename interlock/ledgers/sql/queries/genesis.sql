-- The journal's first entry, if it is what it has to be.
SELECT authority FROM (SELECT operation, authority FROM ledger.entries ORDER BY position LIMIT 1) AS first
WHERE operation = 'genesis'
