-- The trail is a journal too: its spans have positions, and its keeper seals them. Here, too, the seals of the ledgers'
-- journals are kept; from here each ledger's keeper fetches the others' (docs/decisions/0015-seals.md).

ALTER TABLE audit.spans ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX spans_by_position ON audit.spans (position);

CREATE TABLE audit.seals (
    number bigint PRIMARY KEY CHECK (number >= 1), -- without gaps
    digest text NOT NULL CHECK (digest ~ '^0x[0-9a-f]{64}$'), -- what the next seal names as the one before
    seal jsonb NOT NULL, -- protocol.Seal
    signature jsonb NOT NULL, -- protocol.Signature
    positions bigint[] NOT NULL, -- of the block's spans, in order
    witnessed bigint[] NOT NULL, -- ids of the witnessed seals in the block, in order
    leaves bytea NOT NULL, -- the hash of each, 32 bytes apiece
    CHECK (length(leaves) = 32 * (cardinality(positions) + cardinality(witnessed)))
);

CREATE INDEX seals_by_position ON audit.seals (((seal ->> 'through')::bigint));

CREATE TABLE audit.witnessed (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal text NOT NULL,
    number bigint NOT NULL,
    digest text NOT NULL CHECK (digest ~ '^0x[0-9a-f]{64}$'),
    seal jsonb NOT NULL,
    signature jsonb NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (journal, number, digest)
);

DO $$
DECLARE
    _table text;
BEGIN
    FOREACH _table IN ARRAY ARRAY['seals', 'witnessed'] LOOP
        EXECUTE format('CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON audit.%I '
            'FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', _table);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', _table);
    END LOOP;
END $$;
