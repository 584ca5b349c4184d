SELECT terms_hash, fact FROM ledger.lock_facts WHERE terms_hash = ANY ($1::text[])
