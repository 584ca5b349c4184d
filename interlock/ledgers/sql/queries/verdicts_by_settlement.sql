SELECT fact FROM ledger.verdict_facts WHERE settlement_id = $1 ORDER BY position
