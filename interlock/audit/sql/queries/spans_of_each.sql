SELECT trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, status, status_text, attributes, events, links,
    resource, scope
FROM audit.spans WHERE trace_id = ANY ($1::text[]) ORDER BY start_ns, span_id
