-- That very seal of another journal, if it is kept here.
SELECT id, journal, number, digest, seal, signature, at
FROM ledger.witnessed WHERE journal = $1 AND number = $2 AND digest = $3
