SELECT order_digest, position FROM ledger.entries WHERE order_digest = ANY ($1) AND operation = 'accuse'
