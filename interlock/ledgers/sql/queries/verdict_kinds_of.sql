SELECT terms_hash, verdict FROM ledger.verdicts WHERE terms_hash = ANY ($1::text[])
