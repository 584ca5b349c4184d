-- Entries about these terms, without what they relied on.
SELECT e.position, e.operation, e.terms_hash, e.reference::text, e.at, e.actor, e.trace_id, e.span_id
FROM ledger.entries AS e
WHERE (e.terms_hash = ANY ($1::text[]) AND e.operation <> 'resume')
    OR (e.terms_hash = ANY ($1::text[]) AND e.operation = 'resume')
ORDER BY e.position
