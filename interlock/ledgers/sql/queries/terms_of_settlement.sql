SELECT terms_hash FROM ledger.locks WHERE settlement_id = $1
UNION SELECT terms_hash FROM ledger.verdicts WHERE settlement_id = $1
