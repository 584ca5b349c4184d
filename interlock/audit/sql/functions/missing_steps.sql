-- Which steps no span of their trace tells of, by their place in what is asked: by name, and by how they were answered.
CREATE OR REPLACE FUNCTION audit.missing_steps(_trace_ids text[], _names text[], _answers text[])
RETURNS TABLE (place bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT asked.place
    FROM unnest(_trace_ids, _names, _answers) WITH ORDINALITY AS asked (trace_id, name, answer, place)
    WHERE NOT EXISTS (
        SELECT FROM audit.spans AS s WHERE s.trace_id = asked.trace_id AND s.name = asked.name
            AND s.attributes ->> 'interlock.answer' = asked.answer
    )
$$;
