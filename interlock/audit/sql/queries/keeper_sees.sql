-- What its keeper goes by: how far the journal goes, how far it is sealed, and who may still commit a record before that
-- end. A statement's snapshot is older than what it reads of pg_locks: who is not there has committed, or never will.
SELECT now.position, now.witnessed, clock_timestamp() AS at, coalesce(s.number, 0) AS number, s.digest,
    coalesce((s.seal ->> 'through')::bigint, 0) AS sealed_through,
    coalesce((s.seal ->> 'witnessed')::bigint, 0) AS sealed_witnessed,
    CASE WHEN now.position > coalesce((s.seal ->> 'through')::bigint, 0) THEN (
        SELECT coalesce(array_agg(l.virtualtransaction || ' of process ' || l.pid), '{}') FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.classid = 1 AND l.objid = 0 AND l.objsubid = 2 AND l.mode = 'ShareLock'
            AND l.granted AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    ) ELSE '{}' END AS in_flight
FROM (
    SELECT (SELECT coalesce(max(e.position), 0) FROM audit.spans AS e) AS position,
        (SELECT coalesce(max(w.id), 0) FROM audit.witnessed AS w) AS witnessed
) AS now
LEFT JOIN (SELECT * FROM audit.seals ORDER BY number DESC LIMIT 1) AS s ON true
