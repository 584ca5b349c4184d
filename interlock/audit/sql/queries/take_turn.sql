-- One process at a time looks through a journal for lost spans; the lock is the connection's.
SELECT pg_try_advisory_lock(5, $1)
