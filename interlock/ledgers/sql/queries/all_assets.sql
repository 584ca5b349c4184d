SELECT code, decimals FROM ledger.assets
