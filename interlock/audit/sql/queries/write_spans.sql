-- No conflict target, for naming one would need the right to read.
INSERT INTO audit.spans (trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, status, status_text,
    attributes, events, links, resource, scope)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
    $9::text[], $10::jsonb[], $11::jsonb[], $12::jsonb[], $13::jsonb[], $14::text[])
ON CONFLICT DO NOTHING
