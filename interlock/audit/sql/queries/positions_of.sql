SELECT position FROM audit.spans WHERE trace_id = $1 ORDER BY position
