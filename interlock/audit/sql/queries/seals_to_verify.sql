SELECT number, digest, seal, signature, positions, witnessed, leaves FROM audit.seals ORDER BY number
