-- What ledgers' keepers have brought here since; of the journals named.
SELECT id, number, digest, seal, signature FROM audit.witnessed WHERE id > $1 AND journal = ANY ($2::text[])
ORDER BY id LIMIT 100
