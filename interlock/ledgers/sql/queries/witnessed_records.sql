SELECT id, journal, number, digest, seal, signature, at
FROM ledger.witnessed WHERE id > $1 AND id <= $2 ORDER BY id
