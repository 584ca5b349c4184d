-- The locks: by what entry each was locked, and by what it ended. A tombstone's terms stand in no entry; they are those of
-- its hash (tombstones.sql).
WITH begun AS (
    SELECT e.* FROM ledger.entries AS e WHERE e.operation = 'lock'
), ended AS (
    SELECT e.* FROM ledger.entries AS e WHERE e.operation IN ('release', 'refund')
), following AS (
    SELECT coalesce(b.terms_hash, n.terms_hash) AS terms_hash, coalesce(b.settlement_id, n.settlement_id) AS settlement_id,
        CASE n.operation WHEN 'release' THEN 'released' WHEN 'refund' THEN 'refunded' ELSE 'locked' END AS state,
        CASE WHEN b.position IS NOT NULL THEN b.authority -> 'signed'
            ELSE (SELECT l.signed FROM ledger.locks AS l WHERE l.terms_hash = n.terms_hash LIMIT 1) END AS signed,
        d.id AS deliverer, s.id AS escrow, b.position AS lock_entry, n.position AS ending_entry
    FROM begun AS b FULL JOIN ended AS n ON n.terms_hash = b.terms_hash
    LEFT JOIN ledger.accounts AS d ON d.name = b.authority #>> '{signed,terms,delivery,deliverer}'
    LEFT JOIN ledger.accounts AS s ON s.name = 'escrow:' || b.terms_hash
)
SELECT coalesce(l.terms_hash, f.terms_hash) AS key, to_jsonb(l) AS stands, to_jsonb(f) AS follows
FROM ledger.locks AS l FULL JOIN following AS f ON f.terms_hash = l.terms_hash
WHERE to_jsonb(l) IS DISTINCT FROM to_jsonb(f) LIMIT 101
