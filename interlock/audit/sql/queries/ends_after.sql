-- Traces that have ended and do not say so, in a stretch of the trail: the ledgers released or refunded, or said no to what
-- was checked. A root that knows of no verdict was written before the ledgers ended it.
-- Also how far the stretch goes that was written long enough ago.
WITH stretch AS MATERIALIZED (
    SELECT s.position, s.trace_id, s.name, s.attributes ->> 'interlock.answer' AS answer,
        s.written_at <= clock_timestamp() - make_interval(secs => $4) AS is_old
    FROM audit.spans AS s WHERE s.position > $1 AND s.position <= $2 ORDER BY s.position LIMIT $3
), old AS (
    SELECT * FROM stretch
    WHERE position < (SELECT coalesce(min(position), 9223372036854775807) FROM stretch WHERE NOT is_old)
)
SELECT (SELECT max(position) FROM old) AS through, (SELECT count(*) FROM old) AS looked_at, ARRAY(
    SELECT DISTINCT o.trace_id FROM old AS o
    WHERE (o.name IN ('release', 'refund') AND o.answer = 'receipt' AND NOT EXISTS (
            SELECT FROM audit.spans AS r WHERE r.trace_id = o.trace_id
                AND r.attributes ? 'interlock.outcome' AND r.attributes ? 'interlock.verdict'))
        OR (o.name IN ('check delivery', 'check payment') AND o.answer = 'refusal' AND NOT EXISTS (
            SELECT FROM audit.spans AS r WHERE r.trace_id = o.trace_id AND r.attributes ? 'interlock.outcome'))
) AS trace_ids
