-- The last position before which nothing can appear any more: who reads the journal up to here misses no entry that
-- took its position early and commits late. Waits for entries in flight, no longer than one commit.
CREATE OR REPLACE FUNCTION ledger.settled_position() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1, 0);
    RETURN (SELECT coalesce(max(position), 0) FROM ledger.entries);
END $$;
