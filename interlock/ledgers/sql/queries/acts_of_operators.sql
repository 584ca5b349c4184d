-- What operators signed: orders, voids and redirections, newest first; in a time, by a signer, about an account or asset.
SELECT e.position, e.at, e.operation, e.settlement_id, e.terms_hash, e.order_digest, e.reason, e.actor, e.authority
FROM ledger.entries AS e
WHERE (e.order_digest IS NOT NULL OR e.authority #>> '{authority,kind}' = 'operators'
        OR e.authority #>> '{redirection,redirection,reason}' IS NOT NULL)
    AND e.operation <> 'accuse' -- which needs nobody's order
    AND e.at >= $1 AND e.at < $2
    AND ($3::text IS NULL OR EXISTS (SELECT FROM jsonb_array_elements(coalesce(e.authority -> 'signatures',
        e.authority #> '{authority,order,signatures}', e.authority #> '{redirection,signatures}')) AS s
        WHERE s.value ->> 'signer' = $3))
    AND ($4::text IS NULL OR $4 IN (e.authority #>> '{order,account}', e.authority #>> '{redirection,redirection,receiver}'))
    AND ($5::text IS NULL OR $5 IN (e.authority #>> '{order,asset}', e.authority #>> '{order,asset,code}'))
    AND ($6::timestamptz IS NULL OR (e.at, e.position) < ($6, $7::bigint))
ORDER BY e.at DESC, e.position DESC LIMIT $8
