-- The first block that goes as far as this witnessed seal (index seals_by_witnessed).
SELECT number, seal, signature, positions, witnessed, leaves FROM audit.seals
WHERE (seal ->> 'witnessed')::bigint >= $1 ORDER BY (seal ->> 'witnessed')::bigint, number LIMIT 1
