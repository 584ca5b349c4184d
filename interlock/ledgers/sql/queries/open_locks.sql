SELECT fact FROM ledger.lock_facts
WHERE state = 'locked' AND position > $1 AND locked_at <= ledger.clock() - make_interval(secs => $2)
ORDER BY position LIMIT $3
