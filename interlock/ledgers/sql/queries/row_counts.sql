SELECT (SELECT count(*) FROM ledger.locks) + (SELECT count(*) FROM ledger.verdicts)
