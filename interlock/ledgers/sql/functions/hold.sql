-- One operation at a time on one terms hash, on whatever row it may write. Released when the transaction ends.
CREATE OR REPLACE FUNCTION ledger.hold(_digest text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(('x' || substr(_digest, 3, 16))::bit(64)::bigint)
$$;
