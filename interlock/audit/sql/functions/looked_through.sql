-- How far a journal was looked through; null before the first time.
CREATE OR REPLACE FUNCTION audit.looked_through(_journal text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT l.state FROM audit.looked_through AS l WHERE l.journal = _journal
$$;
