SELECT a.name, a.owner, a.admitted, a.frozen,
    coalesce(jsonb_object_agg(b.asset, b.balance::text ORDER BY b.asset) FILTER (WHERE b.asset IS NOT NULL), '{}')
        AS balances
FROM ledger.accounts AS a LEFT JOIN ledger.balances AS b ON b.account = a.id
WHERE a.kind = 'party'
GROUP BY a.id, a.name, a.owner, a.admitted, a.frozen ORDER BY a.name
