-- The same, of one trace.
SELECT s.trace_id, s.span_id, s.parent_span_id, s.name, s.written_at,
    s.attributes ->> 'interlock.terms.hash' AS terms_hash,
    s.attributes ->> 'interlock.settlement.id' AS settlement_id,
    s.attributes ->> 'interlock.workflow.id' AS workflow_id,
    s.attributes ->> 'interlock.answer' AS answer,
    s.attributes ->> 'interlock.receipt.reference' AS reference,
    s.attributes ->> 'interlock.outcome' AS outcome,
    s.attributes ->> 'interlock.unmatched' AS unmatched,
    (s.attributes -> 'interlock.reconstructed') IS NOT NULL AS reconstructed
FROM audit.spans AS s WHERE s.trace_id = $1 ORDER BY s.trace_id, s.span_id
