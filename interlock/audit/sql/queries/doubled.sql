-- Rows that stand twice under a key, as they can where the key itself was taken out of force.
SELECT 'schema_version' AS table, v.step AS key FROM audit.schema_version AS v GROUP BY v.step HAVING count(*) > 1
LIMIT 1000
