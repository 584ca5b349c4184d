-- Postgres lets everybody call what is created. Last of all files: nobody, until a grant says so.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
