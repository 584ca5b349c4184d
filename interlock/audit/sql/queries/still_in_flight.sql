SELECT l.virtualtransaction || ' of process ' || l.pid AS who FROM pg_locks AS l
WHERE l.locktype = 'advisory' AND l.classid = 1 AND l.objid = 0 AND l.objsubid = 2 AND l.mode = 'ShareLock' AND l.granted
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND l.virtualtransaction || ' of process ' || l.pid = ANY ($1::text[])
