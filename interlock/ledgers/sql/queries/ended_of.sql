SELECT terms_hash FROM ledger.locks WHERE terms_hash = ANY ($1::text[]) AND state <> 'locked'
