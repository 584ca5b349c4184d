-- The steps by which it was installed are this version's: $1, each step's digest by its name. When, is not looked at.
SELECT coalesce(v.step, f.key) AS key, to_jsonb(v) - 'applied_at' AS stands,
    CASE WHEN f.key IS NOT NULL THEN jsonb_build_object('step', f.key, 'digest', f.value) END AS follows
FROM ledger.schema_version AS v FULL JOIN jsonb_each_text($1::jsonb) AS f ON f.key = v.step
WHERE v.digest IS DISTINCT FROM f.value LIMIT 101
