SELECT number, digest FROM audit.seals ORDER BY number DESC LIMIT 1
