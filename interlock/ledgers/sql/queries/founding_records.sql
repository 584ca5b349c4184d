-- What entries before a position rest on: the first entry of all, and what these subjects stood under: $1 holds "account
-- NAME", "asset CODE", "attestors NAME", "attestor ADDRESS" (index orders_by_subject). And the accusations that spans tell of,
-- whenever they were judged: $3 positions, $4 references.
WITH founding AS (
    (SELECT position FROM ledger.entries ORDER BY position LIMIT 1)
    UNION
    SELECT position FROM ledger.entries
    WHERE operation IN ('open', 'admit', 'expel', 'freeze', 'unfreeze', 'asset', 'attestors', 'close', 'accuse', 'readmit')
        AND (CASE operation
            WHEN 'asset' THEN 'asset ' || (authority #>> '{order,asset,code}')
            WHEN 'attestors' THEN 'attestors ' || (authority #>> '{order,name}')
            WHEN 'close' THEN 'attestors ' || (authority #>> '{order,name}')
            WHEN 'accuse' THEN 'attestor ' || (authority #>> '{first,signature,signer}')
            WHEN 'readmit' THEN 'attestor ' || (authority #>> '{order,attestor}')
            ELSE 'account ' || (authority #>> '{order,account}') END) = ANY ($1::text[])
        AND position < $2
    UNION
    SELECT e.position FROM unnest($3::bigint[], $4::text[]) AS told (position, reference)
    JOIN ledger.entries AS e ON e.position = told.position AND e.reference::text = told.reference
    WHERE e.operation = 'accuse'
)
SELECT e.position, e.reference::text, e.operation, e.terms_hash, e.settlement_id, e.order_digest, e.at, e.reason,
    e.authority, e.actor, e.trace_id, e.span_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('account', a.name, 'asset', p.asset, 'quantity', p.quantity::text,
            'balance', p.balance::text) ORDER BY a.name COLLATE "C", p.asset COLLATE "C"), '[]')
        FROM ledger.postings AS p LEFT JOIN ledger.accounts AS a ON a.id = p.account WHERE p.entry = e.position
    ) AS postings
FROM founding AS f JOIN ledger.entries AS e ON e.position = f.position ORDER BY e.position
