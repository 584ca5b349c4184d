-- Tell whoever listens that an account has changed for somebody who waits for it. Commits that notify queue for each
-- other in Postgres, so nothing is said where nobody could go on. Every credit comes by here, so each question is asked
-- in the index's order, of one row, however many wait: an EXISTS is planned to read all where most wait for one account.
CREATE OR REPLACE FUNCTION ledger.announce(_account bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger.waiters WHERE account = _account AND woken_at IS NULL ORDER BY cause, asset, needed LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM ledger.accounts AS a WHERE a.id = _account AND (
        (a.admitted AND (SELECT true FROM ledger.waiters AS w
            WHERE w.account = a.id AND w.cause = 'not_admitted' AND w.woken_at IS NULL
            ORDER BY w.asset, w.needed LIMIT 1))
        OR (NOT a.frozen AND (SELECT true FROM ledger.waiters AS w
            WHERE w.account = a.id AND w.cause = 'account_frozen' AND w.woken_at IS NULL
            ORDER BY w.asset, w.needed LIMIT 1))
        OR (NOT a.frozen AND EXISTS (SELECT FROM ledger.balances AS b
            WHERE b.account = a.id AND b.balance >= (SELECT min(w.needed) FROM ledger.waiters AS w
                WHERE w.account = b.account AND w.cause = 'insufficient_balance' AND w.asset = b.asset
                    AND w.woken_at IS NULL)))
    );
    IF FOUND THEN
        PERFORM pg_notify('interlock_waiters', _account::text);
    END IF;
END $$;
