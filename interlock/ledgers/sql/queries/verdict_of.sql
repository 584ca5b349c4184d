SELECT fact FROM ledger.verdict_facts WHERE terms_hash = $1
