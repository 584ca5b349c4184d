-- The verdicts: each payment and each void.
SELECT coalesce(v.terms_hash, f.terms_hash) AS key, to_jsonb(v) AS stands, to_jsonb(f) AS follows
FROM ledger.verdicts AS v FULL JOIN (
    SELECT e.terms_hash, e.settlement_id, CASE e.operation WHEN 'pay' THEN 'PAID' ELSE 'VOIDED' END AS verdict,
        CASE e.operation WHEN 'pay' THEN 'certificate' ELSE e.authority #>> '{authority,kind}' END AS authority,
        e.authority -> 'signed' AS signed, e.position AS entry
    FROM ledger.entries AS e WHERE e.operation IN ('pay', 'void')
) AS f ON f.terms_hash = v.terms_hash
WHERE to_jsonb(v) IS DISTINCT FROM to_jsonb(f) LIMIT 101
