-- Accounts are held in the order of their ids, always: two operations that need the same two cannot wait for each other.
-- An id beside what `hold` makes of a digest: they meet once in 2^64, and would only wait for each other.
-- Not their rows' own locks: to queue for those is to write to the rows, and to look at them again.
CREATE OR REPLACE FUNCTION ledger.hold_accounts(VARIADIC _accounts bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _account bigint;
BEGIN
    FOR _account IN SELECT each FROM unnest(_accounts) AS each ORDER BY each LOOP
        PERFORM pg_advisory_xact_lock(_account);
    END LOOP;
END $$;
