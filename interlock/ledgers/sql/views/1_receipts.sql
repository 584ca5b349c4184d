-- Receipts of effects, as the protocol words them. Reading one twice gives the same one.
--
-- The ledger's name is a subquery, and no join: before its first ANALYZE the planner takes identity for a thousand
-- rows, and would rather read the whole journal than look a thousand times into it.
CREATE OR REPLACE VIEW ledger.receipts AS
SELECT
    e.position,
    e.at,
    jsonb_build_object(
        'kind', 'receipt',
        'ledger', (SELECT i.ledger FROM ledger.identity AS i),
        'operation', CASE WHEN e.order_digest IS NULL THEN e.operation ELSE 'order' END,
        'terms_hash', coalesce(e.terms_hash, e.order_digest),
        'reference', e.reference,
        'position', e.position,
        'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ) AS receipt
FROM ledger.entries AS e;
