-- The first block that goes as far as this position.
SELECT number, seal, signature, positions, witnessed, leaves FROM audit.seals
WHERE (seal ->> 'through')::bigint >= $1 ORDER BY (seal ->> 'through')::bigint, number LIMIT 1
