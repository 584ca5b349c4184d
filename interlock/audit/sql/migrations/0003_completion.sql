-- How far each journal was looked through for spans that were lost (docs/decisions/0016-complete-traces.md). The only
-- table here that changes: it says where to go on looking, and nothing of any settlement. Whoever falsifies it brings
-- about a search for nothing, or a gap that `interlock audit verify` names.

CREATE TABLE audit.looked_through (
    journal text PRIMARY KEY,
    state jsonb NOT NULL, -- a Place of audit/completing.py
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
