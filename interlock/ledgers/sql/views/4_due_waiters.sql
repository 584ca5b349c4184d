-- Who waits for what has come: each of them could go on, were it the only one. `balance` is what those who wait for
-- one have to share.
CREATE OR REPLACE VIEW ledger.due_waiters AS
SELECT w.ticket, w.terms_hash, w.settlement_id, w.seller, w.buyer, w.account, w.asset, w.needed, w.since, w.woken_at,
    b.balance
FROM ledger.accounts AS a
JOIN ledger.waiters AS w ON w.account = a.id AND w.cause = 'insufficient_balance'
JOIN ledger.balances AS b ON b.account = w.account AND b.asset = w.asset AND b.balance >= w.needed
WHERE NOT a.frozen
UNION ALL
SELECT w.ticket, w.terms_hash, w.settlement_id, w.seller, w.buyer, w.account, w.asset, w.needed, w.since, w.woken_at,
    NULL
FROM ledger.accounts AS a JOIN ledger.waiters AS w ON w.account = a.id AND w.cause = 'account_frozen'
WHERE NOT a.frozen
UNION ALL
SELECT w.ticket, w.terms_hash, w.settlement_id, w.seller, w.buyer, w.account, w.asset, w.needed, w.since, w.woken_at,
    NULL
FROM ledger.accounts AS a JOIN ledger.waiters AS w ON w.account = a.id AND w.cause = 'not_admitted'
WHERE a.admitted;
