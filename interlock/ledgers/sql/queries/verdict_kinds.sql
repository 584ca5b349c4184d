SELECT terms_hash, verdict, signed #>> '{terms,delivery,ledger}' AS delivery FROM ledger.verdicts ORDER BY terms_hash
