-- The accounts: a party's as it was opened, and as admitted and frozen last; an issuance account for each asset; an escrow
-- account for each lock. Their numbers say nothing: what is known by one (a posting, a lock) says it by name.
WITH orders AS (
    SELECT e.position, e.operation, e.authority -> 'order' AS said FROM ledger.entries AS e
    WHERE e.operation IN ('open', 'admit', 'expel', 'freeze', 'unfreeze', 'asset')
), admissions AS (
    SELECT DISTINCT ON (o.said ->> 'account') o.said ->> 'account' AS name, o.operation = 'admit' AS admitted
    FROM orders AS o WHERE o.operation IN ('admit', 'expel') ORDER BY o.said ->> 'account', o.position DESC
), freezes AS (
    SELECT DISTINCT ON (o.said ->> 'account') o.said ->> 'account' AS name, o.operation = 'freeze' AS frozen
    FROM orders AS o WHERE o.operation IN ('freeze', 'unfreeze') ORDER BY o.said ->> 'account', o.position DESC
), codes AS (
    SELECT o.said #>> '{asset,code}' AS code FROM orders AS o WHERE o.operation = 'asset'
    UNION ALL
    SELECT jsonb_array_elements(e.authority -> 'assets') ->> 'code' FROM ledger.entries AS e WHERE e.operation = 'genesis'
), following AS (
    SELECT o.said ->> 'account' AS name, 'party' AS kind, o.said ->> 'owner' AS owner, NULL AS issues,
        coalesce(a.admitted, (o.said ->> 'admitted')::boolean) AS admitted, coalesce(f.frozen, false) AS frozen
    FROM orders AS o LEFT JOIN admissions AS a ON a.name = o.said ->> 'account'
        LEFT JOIN freezes AS f ON f.name = o.said ->> 'account'
    WHERE o.operation = 'open'
    UNION ALL
    SELECT 'issuance:' || c.code, 'issuance', NULL, c.code, true, false FROM codes AS c
    UNION ALL
    SELECT 'escrow:' || e.terms_hash, 'escrow', NULL, NULL, true, false FROM ledger.entries AS e
    WHERE e.operation = 'lock'
)
SELECT coalesce(a.name, f.name) AS key, to_jsonb(a) - 'id' AS stands, to_jsonb(f) AS follows
FROM ledger.accounts AS a FULL JOIN following AS f ON f.name = a.name
WHERE to_jsonb(a) - 'id' IS DISTINCT FROM to_jsonb(f) LIMIT 101
