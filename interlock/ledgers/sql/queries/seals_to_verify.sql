SELECT number, digest, seal, signature, positions, witnessed, leaves FROM ledger.seals ORDER BY number
