-- Every escrow account holds its open lock's units and nothing else; an ended lock's holds nothing.
WITH held AS (
    SELECT a.id, a.name, l.terms_hash, coalesce(b.asset, l.signed #>> '{terms,delivery,asset,code}') AS asset,
        coalesce(b.balance, 0) AS balance,
        CASE WHEN l.state = 'locked' AND coalesce(b.asset, '') IN ('', l.signed #>> '{terms,delivery,asset,code}')
            THEN (l.signed #>> '{terms,delivery,quantity}')::numeric ELSE 0 END AS open
    FROM ledger.accounts AS a
    LEFT JOIN ledger.locks AS l ON l.escrow = a.id
    LEFT JOIN ledger.balances AS b ON b.account = a.id
    WHERE a.kind = 'escrow'
)
SELECT (SELECT count(*) FROM held) AS checked, ARRAY(
    SELECT format('%s holds %s of %s, open locks need %s', name, balance, asset, open) FROM held
    WHERE balance <> open OR terms_hash IS NULL ORDER BY id LIMIT 100
) AS violations
