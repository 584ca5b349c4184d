-- Roots, and traces that have none yet are few beside them.
SELECT count(*) FROM audit.spans WHERE parent_span_id IS NULL
