-- Why a certificate of this set does not count for these terms now: only the set they name does, or, once it has a
-- successor, the last in its line.
CREATE OR REPLACE FUNCTION ledger.refuse_superseded(_terms jsonb, _certificate jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE line AS (
        SELECT s.name, s.epoch, s.succeeded_by FROM ledger.attestor_sets AS s
        WHERE s.name = _terms #>> '{coordinator,name}' AND s.epoch = (_terms #>> '{coordinator,epoch}')::bigint
            AND s.digest = _terms #>> '{coordinator,digest}'
        UNION ALL
        SELECT s.name, s.epoch, s.succeeded_by
        FROM line JOIN ledger.attestor_sets AS s ON s.name = line.name AND s.epoch = line.succeeded_by
    )
    SELECT CASE
        WHEN line.epoch IS NULL
        THEN ledger.refusal('unknown_coordinator', 'coordinator', _terms #>> '{coordinator,name}',
            'epoch', _terms #>> '{coordinator,epoch}', 'closed', 'false', 'field', 'coordinator')
        WHEN line.epoch <> (_certificate #>> '{statement,coordinator,epoch}')::bigint
        THEN ledger.refusal('certificate_invalid', 'coordinator', line.name, 'epoch', line.epoch::text,
            'said', _certificate #>> '{statement,coordinator,epoch}')
    END
    FROM (VALUES (true)) AS always (is_so) LEFT JOIN line ON line.succeeded_by IS NULL
$$;
