SELECT fact FROM ledger.lock_facts
WHERE state = 'locked' AND locked_at <= ledger.clock() - make_interval(secs => $1)
ORDER BY position LIMIT $2
