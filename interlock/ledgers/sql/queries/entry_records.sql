-- Entries of a stretch of the journal, with their postings, by the names of the accounts. Written out here and in the like,
-- and no view: whoever alters records to deceive a verifier could alter what stands between them too.
SELECT e.position, e.reference::text, e.operation, e.terms_hash, e.settlement_id, e.order_digest, e.at, e.reason,
    e.authority, e.actor, e.trace_id, e.span_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('account', a.name, 'asset', p.asset, 'quantity', p.quantity::text,
            'balance', p.balance::text) ORDER BY a.name COLLATE "C", p.asset COLLATE "C"), '[]')
        FROM ledger.postings AS p LEFT JOIN ledger.accounts AS a ON a.id = p.account WHERE p.entry = e.position
    ) AS postings
FROM ledger.entries AS e WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position
