SELECT address FROM ledger.operators ORDER BY address
