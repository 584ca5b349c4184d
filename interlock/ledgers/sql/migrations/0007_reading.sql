-- What reads the journal by terms and by who ordered (docs/audit.md). Few entries are in either index.
CREATE INDEX resumes_of_terms ON ledger.entries (terms_hash) WHERE operation = 'resume';
CREATE INDEX acts_of_operators ON ledger.entries (at, position) WHERE order_digest IS NOT NULL
    OR authority #>> '{authority,kind}' = 'operators' OR authority #>> '{redirection,redirection,reason}' IS NOT NULL;
