-- What every lock's terms came to, and where their verdict is.
SELECT terms_hash, state, lock_entry IS NULL AS tombstone, signed #>> '{terms,payment,ledger}' AS payment
FROM ledger.locks ORDER BY terms_hash
