-- Who waits for what has come: each of them could go on, were it the only one. `balance` is what those who wait for one
-- have to share. Looks every waiter's account up: to join would be planned to read all accounts, and escrow has many.
CREATE OR REPLACE VIEW ledger.due_waiters AS
SELECT ticket, terms_hash, settlement_id, seller, buyer, account, asset, needed, since, woken_at, balance
FROM (
    SELECT
        w.*,
        (
            SELECT CASE w.cause WHEN 'not_admitted' THEN a.admitted ELSE NOT a.frozen END
            FROM ledger.accounts AS a WHERE a.id = w.account
        ) AS is_free,
        (SELECT b.balance FROM ledger.balances AS b WHERE b.account = w.account AND b.asset = w.asset) AS balance
    FROM ledger.waiters AS w
) AS each
WHERE is_free AND (needed IS NULL OR needed <= balance);
