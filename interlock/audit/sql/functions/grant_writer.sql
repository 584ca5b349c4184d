-- Adds spans and reads none, but learns which are missing; adds seals of the ledgers' journals, and reads the seals of
-- all, which hold nothing secret.
CREATE OR REPLACE FUNCTION audit.grant_writer(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', _role);
    EXECUTE format('REVOKE INSERT ON audit.spans FROM %I', _role); -- an older version granted it
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.add_spans, audit.missing_spans, audit.witness TO %I', _role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION audit.missing_effects, audit.missing_steps, audit.looked_through, '
        'audit.note_looked_through TO %I', _role);
    EXECUTE format('GRANT SELECT ON audit.seals, audit.witnessed TO %I', _role);
END $$;
