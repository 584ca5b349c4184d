-- Entries about terms after a position, without what they relied on: who asked, and in which span.
SELECT e.position, e.operation, e.terms_hash, e.reference::text, e.at, e.actor, e.trace_id, e.span_id,
    e.at <= ledger.clock() - make_interval(secs => $4) AS is_old
FROM ledger.entries AS e WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3
