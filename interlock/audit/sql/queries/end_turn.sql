SELECT pg_advisory_unlock(5, $1)
