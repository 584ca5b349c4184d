SELECT ledger.grant_auditor($1)
