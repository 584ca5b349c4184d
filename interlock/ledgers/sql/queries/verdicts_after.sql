SELECT fact FROM ledger.verdict_facts WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
