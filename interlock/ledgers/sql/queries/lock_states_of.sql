SELECT terms_hash, state, lock_entry IS NULL AS tombstone FROM ledger.locks WHERE terms_hash = ANY ($1::text[])
