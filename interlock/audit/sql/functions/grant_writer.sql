-- Adds spans; reads none.
CREATE OR REPLACE FUNCTION audit.grant_writer(_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA audit TO %I', _role);
    EXECUTE format('GRANT INSERT ON audit.spans TO %I', _role);
END $$;
