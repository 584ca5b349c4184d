-- Seals the trail, and reads everything to do so and to see what is missing; adds no span and no seal of others.
CREATE OR REPLACE FUNCTION audit.grant_keeper(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit.grant_reader(_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.seal, audit.missing_spans TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.looked_through, audit.note_looked_through TO %I', _role);
END $$;
