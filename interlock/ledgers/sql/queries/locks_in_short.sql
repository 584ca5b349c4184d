SELECT terms_hash, settlement_id, state FROM ledger.locks ORDER BY terms_hash
