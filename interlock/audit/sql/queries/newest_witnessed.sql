SELECT id, number, digest, seal, signature FROM audit.witnessed WHERE journal = $1 ORDER BY number DESC, id DESC LIMIT 1
