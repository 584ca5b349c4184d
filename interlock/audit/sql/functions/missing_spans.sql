-- Which of these spans, trace by trace and span by span, are not there: who may only add learns what is still to be added.
CREATE OR REPLACE FUNCTION audit.missing_spans(_trace_ids text[], _span_ids text[])
RETURNS TABLE (trace_id text, span_id text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT asked.trace_id, asked.span_id FROM unnest(_trace_ids, _span_ids) AS asked (trace_id, span_id)
    WHERE NOT EXISTS (
        SELECT FROM audit.spans AS s WHERE s.trace_id = asked.trace_id AND s.span_id = asked.span_id
    )
$$;
