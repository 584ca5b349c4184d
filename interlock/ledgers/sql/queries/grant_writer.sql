SELECT ledger.grant_writer($1)
