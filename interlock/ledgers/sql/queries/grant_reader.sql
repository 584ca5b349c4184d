SELECT ledger.grant_reader($1)
