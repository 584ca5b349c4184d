-- Rows that stand twice under a key, as they can where the key itself was taken out of force.
SELECT 'identity' AS table, i.ledger AS key FROM ledger.identity AS i GROUP BY i.ledger HAVING count(*) > 1
UNION ALL
SELECT 'operators', o.address FROM ledger.operators AS o GROUP BY o.address HAVING count(*) > 1
UNION ALL
SELECT 'assets', a.code FROM ledger.assets AS a GROUP BY a.code HAVING count(*) > 1
UNION ALL
SELECT 'attestor_sets', format('%s, epoch %s', s.name, s.epoch) FROM ledger.attestor_sets AS s
GROUP BY s.name, s.epoch HAVING count(*) > 1
UNION ALL
SELECT 'accounts', a.name FROM ledger.accounts AS a GROUP BY a.name HAVING count(*) > 1
UNION ALL
SELECT 'accounts', min(a.name) FROM ledger.accounts AS a GROUP BY a.id HAVING count(*) > 1
UNION ALL
SELECT 'accused', a.attestor FROM ledger.accused AS a GROUP BY a.attestor HAVING count(*) > 1
UNION ALL
SELECT 'balances', format('%s of %s', b.asset, (SELECT min(a.name) FROM ledger.accounts AS a WHERE a.id = b.account))
FROM ledger.balances AS b GROUP BY b.account, b.asset HAVING count(*) > 1
UNION ALL
SELECT 'locks', l.terms_hash FROM ledger.locks AS l GROUP BY l.terms_hash HAVING count(*) > 1
UNION ALL
SELECT 'verdicts', v.terms_hash FROM ledger.verdicts AS v GROUP BY v.terms_hash HAVING count(*) > 1
UNION ALL
SELECT 'schema_version', v.step FROM ledger.schema_version AS v GROUP BY v.step HAVING count(*) > 1
LIMIT 1000
