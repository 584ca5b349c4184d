SELECT terms_hash, fact FROM ledger.verdict_facts WHERE terms_hash = ANY ($1::text[])
