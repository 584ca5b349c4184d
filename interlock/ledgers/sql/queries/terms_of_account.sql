-- Terms that moved something on an account in a time, newest movement first.
SELECT e.terms_hash
FROM ledger.postings AS p JOIN ledger.entries AS e ON e.position = p.entry
WHERE p.account = $1 AND e.terms_hash IS NOT NULL AND e.at >= $2 AND e.at < $3
ORDER BY p.entry DESC LIMIT $4
