-- Postings stand in the record of their entry; those of no entry, or of what is not there, stand in none.
SELECT format('entry %s, account %s, asset %s', p.entry, p.account, p.asset) AS key,
    to_jsonb(p) AS stands, NULL::jsonb AS follows
FROM ledger.postings AS p
WHERE NOT EXISTS (SELECT FROM ledger.entries AS e WHERE e.position = p.entry)
    OR NOT EXISTS (SELECT FROM ledger.accounts AS a WHERE a.id = p.account)
    OR NOT EXISTS (SELECT FROM ledger.assets AS s WHERE s.code = p.asset)
LIMIT 101
