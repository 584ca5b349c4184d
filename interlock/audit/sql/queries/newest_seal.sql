SELECT number, seal, signature, positions, witnessed, leaves FROM audit.seals ORDER BY number DESC LIMIT 1
