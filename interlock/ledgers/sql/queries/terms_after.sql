-- Of which terms entries after a position are, each with its settlement's id.
SELECT e.position, e.terms_hash, e.settlement_id, e.at FROM ledger.entries AS e WHERE e.position > $1
ORDER BY e.position LIMIT $2
