-- What is younger than the last seal.
SELECT (SELECT count(*) FROM ledger.entries WHERE position > $1) AS records,
    (SELECT to_char(min(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM ledger.entries WHERE position > $1) AS since,
    (SELECT count(*) FROM ledger.witnessed WHERE id > $2) AS witnessed
