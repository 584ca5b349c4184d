SELECT fact FROM ledger.lock_facts WHERE settlement_id = $1 ORDER BY position NULLS LAST, terms_hash
