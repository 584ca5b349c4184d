SELECT code, decimals FROM ledger.assets WHERE code = $1
