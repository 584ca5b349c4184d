-- Forget these, whom nobody carries on any more; and whoever should have ended an hour ago, at settle_by.
CREATE OR REPLACE FUNCTION ledger.drop_waiters(_tickets bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    DELETE FROM ledger.waiters WHERE ticket IN (
        SELECT ticket FROM ledger.waiters
        WHERE ticket = ANY (_tickets) OR ledger.past(settle_by + interval '1 hour', ledger.clock())
        FOR UPDATE SKIP LOCKED
    )
$$;
