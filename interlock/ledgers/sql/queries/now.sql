SELECT ledger.clock()
