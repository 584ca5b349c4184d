SELECT number, seal, signature, positions, witnessed, leaves FROM ledger.seals ORDER BY number DESC LIMIT 1
