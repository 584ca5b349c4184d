-- Every balance, now and after every posting, is what the postings make it; only an issuance account's is negative.
WITH running AS (
    SELECT p.entry, p.account, p.asset, p.balance,
        sum(p.quantity) OVER (PARTITION BY p.account, p.asset ORDER BY p.entry) AS summed
    FROM ledger.postings AS p
), totals AS (
    SELECT account, asset, sum(quantity) AS summed FROM ledger.postings GROUP BY account, asset
), wrong AS (
    SELECT format('account %s: %s of %s after entry %s, its postings make %s', a.name, r.balance, r.asset, r.entry,
        r.summed) AS violation
    FROM running AS r JOIN ledger.accounts AS a ON a.id = r.account WHERE r.balance <> r.summed
    UNION ALL
    SELECT format('account %s holds %s of %s, its postings make %s', coalesce(a.name, account::text),
        coalesce(b.balance, 0), asset, coalesce(t.summed, 0))
    FROM ledger.balances AS b FULL JOIN totals AS t USING (account, asset) LEFT JOIN ledger.accounts AS a ON a.id = account
    WHERE coalesce(b.balance, 0) <> coalesce(t.summed, 0) OR a.id IS NULL
    UNION ALL
    SELECT format('account %s holds %s of %s', a.name, b.balance, b.asset)
    FROM ledger.balances AS b JOIN ledger.accounts AS a ON a.id = b.account
    WHERE b.balance < 0 AND a.issues IS DISTINCT FROM b.asset
)
SELECT (SELECT count(*) FROM ledger.balances) AS checked, ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
