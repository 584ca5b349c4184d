SELECT ledger.drop_waiters($1)
