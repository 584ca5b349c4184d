-- All spans of a trace, as they were written.
SELECT position, trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, status, status_text, attributes, events,
    links, resource, scope, written_at
FROM audit.spans WHERE trace_id = $1 ORDER BY position
