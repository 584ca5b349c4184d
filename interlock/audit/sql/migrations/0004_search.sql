-- Regulators' questions, by index (docs/audit.md). All but three cover only those of a settlement's spans that can answer.

-- The longest wait that a root span's events tell of, in nanoseconds: from each "wait" to the next thing that ended it.
-- What was refused at the check waited for nothing.
CREATE FUNCTION audit.longest_wait(_events jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(max(told.ended - told.at), 0) FROM (
        SELECT e.value ->> 'name' AS name, (e.value ->> 'at_ns')::bigint AS at,
            lead((e.value ->> 'at_ns')::bigint) OVER (ORDER BY e.ordinality) AS ended,
            lead(e.value #>> '{attributes,interlock.text}') OVER (ORDER BY e.ordinality) AS ending
        FROM jsonb_array_elements(_events) WITH ORDINALITY AS e WHERE e.value ->> 'name' IN ('wait', 'step', 'end')
    ) AS told WHERE told.name = 'wait' AND told.ending IS DISTINCT FROM 'ended REJECTED'
$$;

CREATE INDEX spans_by_time ON audit.spans (start_ns, span_id);
CREATE INDEX spans_by_seller ON audit.spans ((attributes ->> 'interlock.seller'), start_ns, span_id);
CREATE INDEX spans_by_buyer ON audit.spans ((attributes ->> 'interlock.buyer'), start_ns, span_id);
CREATE INDEX spans_by_refusal ON audit.spans ((attributes ->> 'interlock.refusal.code'), start_ns, span_id)
    WHERE attributes ->> 'interlock.refusal.code' IS NOT NULL;
CREATE INDEX spans_that_failed ON audit.spans (start_ns, span_id) WHERE attributes ->> 'interlock.answer' = 'fault';
CREATE INDEX spans_with_dissents ON audit.spans (start_ns, span_id)
    WHERE attributes ->> 'interlock.dissents' IS NOT NULL;
CREATE INDEX roots_by_outcome ON audit.spans ((attributes ->> 'interlock.outcome'), start_ns, span_id)
    WHERE parent_span_id IS NULL;
CREATE INDEX roots_by_longest_wait ON audit.spans ((audit.longest_wait(events))) WHERE parent_span_id IS NULL;
CREATE INDEX legs_by_asset ON audit.spans ((attributes ->> 'interlock.asset'), start_ns, span_id)
    WHERE name IN ('check delivery', 'check payment', 'lock', 'pay');
CREATE INDEX legs_by_amount ON audit.spans ((attributes ->> 'interlock.asset'),
    ((attributes ->> 'interlock.quantity')::numeric)) WHERE name IN ('check delivery', 'check payment', 'lock', 'pay');
