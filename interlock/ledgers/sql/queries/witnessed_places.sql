SELECT id AS place FROM ledger.witnessed WHERE id > $1 ORDER BY id LIMIT $2
