SELECT DISTINCT attributes ->> 'interlock.terms.hash' AS terms_hash FROM audit.spans
WHERE attributes ->> 'interlock.settlement.id' = $1 AND attributes ? 'interlock.terms.hash' ORDER BY terms_hash
