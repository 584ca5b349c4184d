SELECT (SELECT count(*) FROM ledger.entries) AS entries, (SELECT count(*) FROM ledger.locks) AS locks,
    (SELECT count(*) FROM ledger.verdicts) AS verdicts
