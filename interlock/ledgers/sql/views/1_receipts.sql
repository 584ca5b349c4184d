-- Receipts of effects, as the protocol words them. Reading one twice gives the same one.
--
-- The ledger's name is a subquery, and no join: before its first ANALYZE the planner takes identity for a thousand
-- rows, and would rather read the whole journal than look a thousand times into it.
CREATE OR REPLACE FUNCTION ledger.worded(
    _position bigint, _operation text, _terms_hash text, _order_digest text, _reference uuid, _at timestamptz,
    _ledger text
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'kind', 'receipt',
        'ledger', _ledger,
        'operation', CASE WHEN _order_digest IS NULL OR _operation = 'accuse' THEN _operation ELSE 'order' END,
        'terms_hash', coalesce(_terms_hash, _order_digest),
        'reference', _reference,
        'position', _position,
        'at', to_char(_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )
$$;

CREATE OR REPLACE VIEW ledger.receipts AS
SELECT
    e.position,
    e.at,
    ledger.worded(e.position, e.operation, e.terms_hash, e.order_digest, e.reference, e.at,
        (SELECT i.ledger FROM ledger.identity AS i)) AS receipt
FROM ledger.entries AS e;
