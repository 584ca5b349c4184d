-- Which effects have no span, by their place in what is asked: neither under the id that their entry names nor under the
-- one that it gets otherwise; and whether the first of the two is free for it.
CREATE OR REPLACE FUNCTION audit.missing_effects(
    _trace_ids text[], _named_ids text[], _other_ids text[], _names text[], _references text[]
) RETURNS TABLE (place bigint, is_free boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT asked.place, NOT EXISTS (
        SELECT FROM audit.spans AS s WHERE s.trace_id = asked.trace_id AND s.span_id = asked.named_id
    )
    FROM unnest(_trace_ids, _named_ids, _other_ids, _names, _references)
        WITH ORDINALITY AS asked (trace_id, named_id, other_id, name, reference, place)
    WHERE NOT EXISTS (
        SELECT FROM audit.spans AS s
        WHERE s.trace_id = asked.trace_id AND s.span_id IN (asked.named_id, asked.other_id) AND s.name = asked.name
            AND coalesce(s.attributes ->> 'interlock.receipt.reference', asked.reference) = asked.reference
    )
$$;
