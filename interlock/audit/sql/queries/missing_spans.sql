SELECT trace_id, span_id FROM audit.missing_spans($1::text[], $2::text[])
