SELECT id, number, digest, seal, signature FROM ledger.witnessed WHERE journal = $1 ORDER BY number DESC, id DESC LIMIT 1
