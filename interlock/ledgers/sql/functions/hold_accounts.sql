-- Accounts are locked by id, always in this order: two operations that need the same two cannot wait for each other.
CREATE OR REPLACE FUNCTION ledger.hold_accounts(VARIADIC _names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger.accounts WHERE name = ANY (_names) ORDER BY id FOR NO KEY UPDATE;
END $$;
