SELECT reference::text FROM ledger.entries WHERE position = $1
