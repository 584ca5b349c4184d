-- All terms of an id, as far as spans know them; those that came to nothing as proposals only where there are no others.
WITH known AS (
    SELECT attributes ->> 'interlock.terms.hash' AS terms_hash,
        bool_or(attributes ? 'interlock.unmatched') AS is_unmatched
    FROM audit.spans
    WHERE attributes ->> 'interlock.settlement.id' = $1 AND attributes ? 'interlock.terms.hash' GROUP BY 1
)
SELECT terms_hash FROM known WHERE NOT is_unmatched OR (SELECT bool_and(is_unmatched) FROM known) ORDER BY terms_hash
