-- Refunds of what was never locked: their terms stand here alone.
SELECT terms_hash, signed FROM ledger.locks WHERE lock_entry IS NULL
