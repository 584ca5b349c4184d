SELECT number, seal, signature, positions, witnessed, leaves FROM audit.seals WHERE number > $1 ORDER BY number LIMIT 100
