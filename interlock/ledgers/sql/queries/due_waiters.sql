-- Whom to wake now, oldest first: of the accounts $1, or of all if that is null; $2 at most. Whoever was woken within
-- ten minutes and has not asked since is on its way: there are at most $3 of them for one account, and what they need
-- is spoken for. So a little money for many wakes as many as it can serve.
WITH queued AS (
    SELECT due.*, sum(needed) OVER queue - needed AS ahead, row_number() OVER queue AS place
    FROM (
        SELECT *, coalesce(woken_at > ledger.clock() - interval '10 minutes', false) AS on_its_way
        FROM ledger.due_waiters
        WHERE $1::bigint[] IS NULL OR account = ANY ($1)
    ) AS due
    WINDOW queue AS (PARTITION BY account, asset ORDER BY on_its_way DESC, since, ticket)
)
SELECT ticket, terms_hash, settlement_id, seller, buyer FROM queued
WHERE NOT on_its_way AND place <= $3 AND coalesce(ahead < balance, true)
ORDER BY since, ticket
LIMIT $2
