-- What may still have to be finished from the ledger alone: open locks, and every verdict.
SELECT terms_hash, signed FROM ledger.locks WHERE state = 'locked'
UNION ALL
SELECT terms_hash, signed FROM ledger.verdicts
