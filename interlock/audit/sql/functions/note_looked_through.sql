-- Note how far a journal was looked through.
CREATE OR REPLACE FUNCTION audit.note_looked_through(_journal text, _state jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    INSERT INTO audit.looked_through (journal, state) VALUES (_journal, _state)
    ON CONFLICT (journal) DO UPDATE SET state = excluded.state, at = clock_timestamp()
$$;
