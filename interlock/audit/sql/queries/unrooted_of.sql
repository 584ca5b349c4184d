-- Traces of settlements, by their ids, that some run has looked after and that have no root.
SELECT DISTINCT s.trace_id, s.attributes ->> 'interlock.terms.hash' AS terms_hash,
    s.attributes ->> 'interlock.workflow.id' AS workflow_id
FROM audit.spans AS s
WHERE s.attributes ->> 'interlock.settlement.id' = ANY ($1::text[])
    AND s.attributes ->> 'interlock.workflow.id' = ANY ($2::text[])
    AND NOT EXISTS (SELECT FROM audit.spans AS r WHERE r.trace_id = s.trace_id AND r.parent_span_id IS NULL)
