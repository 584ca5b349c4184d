-- Add spans that are not there yet. From before they have positions until they commit they are in flight: the keeper waits
-- for those (docs/decisions/0015-seals.md).
CREATE OR REPLACE FUNCTION audit.add_spans(
    _trace_id text[], _span_id text[], _parent_span_id text[], _name text[], _kind text[], _start_ns bigint[],
    _end_ns bigint[], _status text[], _status_text text[], _attributes jsonb[], _events jsonb[], _links jsonb[],
    _resource jsonb[], _scope text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1, 0);
    INSERT INTO audit.spans (trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, status, status_text,
        attributes, events, links, resource, scope)
    SELECT * FROM unnest(_trace_id, _span_id, _parent_span_id, _name, _kind, _start_ns, _end_ns, _status, _status_text,
        _attributes, _events, _links, _resource, _scope)
    ON CONFLICT (trace_id, span_id) DO NOTHING;
END $$;
