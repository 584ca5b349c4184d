-- The rules that keep what was written are in force, and no role but the owner may write a row.
WITH rules (of_table, rule) AS (
    SELECT t, r FROM unnest(ARRAY['identity', 'operators', 'assets', 'entries', 'postings', 'verdicts']) AS t,
        unnest(ARRAY['append_only', 'not_emptied']) AS r
    UNION ALL
    SELECT t, r FROM unnest(ARRAY['attestor_sets', 'accounts', 'accused', 'balances', 'locks']) AS t,
        unnest(ARRAY['kept', 'not_emptied']) AS r
    UNION ALL
    SELECT t, 'well_formed' FROM unnest(ARRAY['accounts', 'accused', 'entries', 'locks', 'verdicts']) AS t
    UNION ALL
    VALUES ('locks', 'ends_once'), ('postings', 'moves_the_balance'), ('postings', 'entry_balances'),
        ('balances', 'by_posting_only'), ('accounts', 'stays_whose_it_is'), ('attestor_sets', 'closes_once')
), wrong AS (
    SELECT format('rule %s on ledger.%s is not in force', rule, of_table) AS violation FROM rules
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = ('ledger.' || of_table)::regclass AND tgname = rule
            AND tgenabled IN ('O', 'A')
    )
    UNION ALL
    SELECT format('role %s may write ledger.%s', r.rolname, c.relname)
    FROM pg_class AS c CROSS JOIN pg_roles AS r
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND NOT r.rolsuper AND r.oid <> c.relowner
        AND NOT pg_has_role(r.oid, c.relowner, 'MEMBER')
        AND has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        AND r.rolname NOT LIKE 'pg\_%'
)
SELECT (SELECT count(*) FROM rules) AS checked, ARRAY(SELECT violation FROM wrong LIMIT 100) AS violations
