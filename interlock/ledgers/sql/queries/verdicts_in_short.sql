SELECT terms_hash, settlement_id, verdict, authority FROM ledger.verdicts ORDER BY terms_hash
