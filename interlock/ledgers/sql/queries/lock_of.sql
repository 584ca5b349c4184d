SELECT fact FROM ledger.lock_facts WHERE terms_hash = $1
