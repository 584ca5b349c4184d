-- Which workflows of these settlements have ended, by the roots that their runs have left.
SELECT DISTINCT s.attributes ->> 'interlock.workflow.id' AS workflow_id FROM audit.spans AS s
WHERE s.attributes ->> 'interlock.settlement.id' = ANY ($1::text[]) AND s.parent_span_id IS NULL
    AND s.attributes ->> 'interlock.outcome' IS NOT NULL AND s.attributes ->> 'interlock.workflow.id' IS NOT NULL
