-- Seals: what this ledger's keeper signed of its journal, block by block; and the seals of other journals, each kept
-- here too, so that nobody cuts off the newest blocks of a journal unseen. docs/decisions/0015-seals.md.

CREATE TABLE ledger.seals (
    number bigint PRIMARY KEY CHECK (number >= 1), -- without gaps
    digest ledger.digest NOT NULL, -- what the next seal names as the one before
    seal jsonb NOT NULL, -- protocol.Seal
    signature jsonb NOT NULL, -- protocol.Signature
    positions bigint[] NOT NULL, -- of the block's entries, in order
    witnessed bigint[] NOT NULL, -- ids of the witnessed seals in the block, in order
    leaves bytea NOT NULL, -- the hash of each, 32 bytes apiece: they say which record is another than was sealed
    CHECK (length(leaves) = 32 * (cardinality(positions) + cardinality(witnessed)))
);

CREATE INDEX seals_by_position ON ledger.seals (((seal ->> 'through')::bigint));

CREATE TABLE ledger.witnessed (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal text NOT NULL,
    number bigint NOT NULL,
    digest ledger.digest NOT NULL, -- two seals of one number are kept both: they prove that their keeper lies
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
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.%I '
            'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', _table);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON ledger.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', _table);
    END LOOP;
END $$;
