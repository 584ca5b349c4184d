SELECT ledger, network FROM ledger.identity
