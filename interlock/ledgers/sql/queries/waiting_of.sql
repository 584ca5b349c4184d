SELECT terms_hash FROM ledger.waiters WHERE terms_hash = ANY ($1)
