-- What is younger than the last seal.
SELECT (SELECT count(*) FROM audit.spans WHERE position > $1) AS records,
    (SELECT to_char(min(written_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM audit.spans WHERE position > $1) AS since,
    (SELECT count(*) FROM audit.witnessed WHERE id > $2) AS witnessed
