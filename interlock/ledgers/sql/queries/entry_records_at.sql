-- Entries at these positions, with their postings, by the names of the accounts.
SELECT e.position, e.reference::text, e.operation, e.terms_hash, e.settlement_id, e.order_digest, e.at, e.reason,
    e.authority, e.actor, e.trace_id, e.span_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('account', a.name, 'asset', p.asset, 'quantity', p.quantity::text,
            'balance', p.balance::text) ORDER BY a.name COLLATE "C", p.asset COLLATE "C"), '[]')
        FROM ledger.postings AS p LEFT JOIN ledger.accounts AS a ON a.id = p.account WHERE p.entry = e.position
    ) AS postings
FROM ledger.entries AS e WHERE e.position = ANY ($1::bigint[]) ORDER BY e.position
