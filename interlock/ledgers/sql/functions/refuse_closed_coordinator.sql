-- Why no new terms may name this attestor set.
CREATE OR REPLACE FUNCTION ledger.refuse_closed_coordinator(_named ledger.attestor_sets, _terms jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN _named.closed IS NOT false
        THEN ledger.refusal('unknown_coordinator', 'coordinator', _terms #>> '{coordinator,name}',
            'epoch', _terms #>> '{coordinator,epoch}', 'closed', coalesce(_named.closed, false)::text,
            'field', 'coordinator')
    END
$$;
