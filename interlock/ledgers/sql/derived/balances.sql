-- The balances: what the postings of an account sum to.
SELECT format('%s of %s', coalesce(f.asset, b.asset), coalesce(a.name, f.account::text, b.account::text)) AS key,
    to_jsonb(b) AS stands, to_jsonb(f) AS follows
FROM ledger.balances AS b FULL JOIN (
    SELECT p.account, p.asset, i.issues, sum(p.quantity) AS balance
    FROM ledger.postings AS p LEFT JOIN ledger.accounts AS i ON i.id = p.account
    GROUP BY p.account, p.asset, i.issues
) AS f ON f.account = b.account AND f.asset = b.asset
LEFT JOIN ledger.accounts AS a ON a.id = coalesce(f.account, b.account)
WHERE to_jsonb(b) IS DISTINCT FROM to_jsonb(f) LIMIT 101
