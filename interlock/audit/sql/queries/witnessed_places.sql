SELECT id AS place FROM audit.witnessed WHERE id > $1 ORDER BY id LIMIT $2
