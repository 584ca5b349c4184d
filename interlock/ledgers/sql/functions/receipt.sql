CREATE OR REPLACE FUNCTION ledger.receipt(_position bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT receipt FROM ledger.receipts WHERE position = _position
$$;
