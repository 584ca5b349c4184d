-- Why a certificate of this set does not count for these terms now: only the set they name does, or, once it has a
-- successor, the last in its line.
CREATE OR REPLACE FUNCTION ledger.refuse_superseded(
    _named ledger.attestor_sets, _terms jsonb, _certificate jsonb
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN _named.epoch IS NULL
        THEN ledger.refusal('unknown_coordinator', 'coordinator', _terms #>> '{coordinator,name}',
            'epoch', _terms #>> '{coordinator,epoch}', 'closed', 'false', 'field', 'coordinator')
        WHEN (_certificate #>> '{statement,coordinator,epoch}')::bigint <> CASE
            WHEN _named.succeeded_by IS NULL THEN _named.epoch
            ELSE ledger.last_epoch(_named.name, _named.succeeded_by)
        END
        THEN ledger.refusal('certificate_invalid', 'coordinator', _named.name,
            'epoch', ledger.last_epoch(_named.name, _named.epoch)::text,
            'said', _certificate #>> '{statement,coordinator,epoch}')
    END
$$;
