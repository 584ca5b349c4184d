-- What every step of every settlement did, span by span, as OpenTelemetry has it. Written once, never changed.

CREATE TABLE audit.spans (
    trace_id text NOT NULL CHECK (trace_id ~ '^[0-9a-f]{32}$'),
    span_id text NOT NULL CHECK (span_id ~ '^[0-9a-f]{16}$'),
    parent_span_id text CHECK (parent_span_id ~ '^[0-9a-f]{16}$'), -- none: the root of its trace
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER')),
    start_ns bigint NOT NULL, -- nanoseconds since 1970, UTC
    end_ns bigint NOT NULL CHECK (end_ns >= start_ns),
    status text NOT NULL CHECK (status IN ('UNSET', 'OK', 'ERROR')),
    status_text text NOT NULL,
    attributes jsonb NOT NULL,
    events jsonb NOT NULL,
    links jsonb NOT NULL,
    resource jsonb NOT NULL,
    scope text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (trace_id, span_id) -- the same span again is the same row
);

CREATE INDEX spans_by_settlement ON audit.spans ((attributes ->> 'interlock.settlement.id'));

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'spans are only ever added' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON audit.spans
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.spans
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
