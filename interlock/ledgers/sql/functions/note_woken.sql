-- These have been told to ask again. A row that is held is being asked about, or is ending: it needs no note.
CREATE OR REPLACE FUNCTION ledger.note_woken(_tickets bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    UPDATE ledger.waiters SET woken_at = ledger.clock()
    WHERE ticket IN (SELECT ticket FROM ledger.waiters WHERE ticket = ANY (_tickets) FOR UPDATE SKIP LOCKED)
$$;
