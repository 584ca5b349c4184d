-- Each effect on terms happened once, and moved exactly what its leg says from and to whom it says.
WITH effects AS (
    SELECT e.position, e.operation, e.terms_hash, l.escrow,
        coalesce(l.signed, v.signed) -> 'terms' -> CASE WHEN e.operation = 'pay' THEN 'payment' ELSE 'delivery' END AS leg,
        e.authority #>> '{redirection,redirection,receiver}' AS redirected,
        e.operation = 'void' OR (e.operation = 'refund' AND l.lock_entry IS NULL) AS moves_nothing
    FROM ledger.entries AS e
    LEFT JOIN ledger.locks AS l ON l.terms_hash = e.terms_hash AND e.operation IN ('lock', 'release', 'refund')
    LEFT JOIN ledger.verdicts AS v ON v.terms_hash = e.terms_hash AND e.operation IN ('pay', 'void')
    WHERE e.operation IN ('lock', 'release', 'refund', 'pay', 'void')
), expected AS (
    SELECT f.position, m.account, f.leg #>> '{asset,code}' AS asset, m.sign * (f.leg ->> 'quantity')::numeric AS quantity
    FROM effects AS f
    LEFT JOIN ledger.accounts AS d ON d.name = f.leg ->> 'deliverer'
    LEFT JOIN ledger.accounts AS r ON r.name = coalesce(f.redirected, f.leg ->> 'receiver')
    CROSS JOIN LATERAL (VALUES
        (-1, CASE WHEN f.operation IN ('lock', 'pay') THEN d.id ELSE f.escrow END),
        (+1, CASE f.operation WHEN 'lock' THEN f.escrow WHEN 'refund' THEN d.id ELSE r.id END)
    ) AS m (sign, account)
    WHERE NOT f.moves_nothing
), moved AS (
    SELECT p.entry AS position, p.account, p.asset, p.quantity
    FROM ledger.postings AS p JOIN effects AS f ON f.position = p.entry
), differing AS (
    -- as sets, and not entry by entry: the time it takes grows with the journal, not with its square
    SELECT position FROM (SELECT * FROM expected EXCEPT SELECT * FROM moved) AS missing
    UNION
    SELECT position FROM (SELECT * FROM moved EXCEPT SELECT * FROM expected) AS unexpected
), wrong AS (
    SELECT format('%s of %s happened %s times', operation, terms_hash, count(*)) AS violation
    FROM effects GROUP BY operation, terms_hash HAVING count(*) > 1
    UNION ALL
    SELECT format('entry %s (%s of %s) did not move what its terms say', f.position, f.operation, f.terms_hash)
    FROM effects AS f JOIN differing AS d ON d.position = f.position
    UNION ALL
    SELECT format('settlement id %s moved units of account %s %s times', l.settlement_id, a.name, count(*))
    FROM ledger.locks AS l JOIN ledger.accounts AS a ON a.id = l.deliverer
    GROUP BY l.settlement_id, a.name HAVING count(*) > 1
)
SELECT (SELECT count(*) FROM effects) AS checked, ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
