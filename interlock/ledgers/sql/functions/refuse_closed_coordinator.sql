-- Why no new terms may name this attestor set.
CREATE OR REPLACE FUNCTION ledger.refuse_closed_coordinator(_terms jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT ledger.refusal('unknown_coordinator', 'coordinator', named ->> 'name', 'epoch', named ->> 'epoch',
        'closed', coalesce(s.closed, false)::text, 'field', 'coordinator')
    FROM (VALUES (_terms -> 'coordinator')) AS t (named)
    LEFT JOIN ledger.attestor_sets AS s ON s.name = named ->> 'name' AND s.epoch = (named ->> 'epoch')::bigint
        AND s.digest = named ->> 'digest'
    WHERE s.closed IS NOT false
$$;
