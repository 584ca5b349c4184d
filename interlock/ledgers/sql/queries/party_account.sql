SELECT id FROM ledger.accounts WHERE name = $1 AND kind = 'party'
