-- The verdict VOIDED. `_valid_until` is the authority's, null for the clock's.
CREATE OR REPLACE FUNCTION ledger.void(
    _terms_hash text, _signed jsonb, _authority jsonb, _valid_until timestamptz, _attempt jsonb
) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _signed -> 'terms';
    _kind text := _authority ->> 'kind';
    _verdict ledger.verdicts;
    _now timestamptz;
    _receipt jsonb;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _verdict FROM ledger.verdicts WHERE terms_hash = _terms_hash;
    IF _verdict.verdict = 'VOIDED' THEN
        RETURN ledger.receipt(_verdict.entry);
    ELSIF _verdict.verdict = 'PAID' THEN
        RETURN ledger.refusal('already_paid');
    END IF;

    _now := ledger.clock();
    IF _kind = 'time' AND ledger.refuse_late(_terms, _now) IS NULL THEN
        RETURN ledger.refusal('not_past_deadline', 'moment', _terms ->> 'settle_by');
    ELSIF ledger.past(_valid_until, _now) THEN
        RETURN ledger.refuse_expired(_valid_until, _now);
    END IF;

    _receipt := ledger.write_entry('void', _terms_hash, _terms ->> 'settlement_id', NULL, _now,
        CASE _kind
            WHEN 'consent' THEN 'both parties'' consent'
            WHEN 'time' THEN 'past settle_by'
            ELSE _authority #>> '{order,order,reason}'
        END,
        jsonb_build_object('signed', _signed, 'authority', _authority), _attempt);
    INSERT INTO ledger.verdicts (terms_hash, settlement_id, verdict, authority, signed, entry)
    VALUES (_terms_hash, _terms ->> 'settlement_id', 'VOIDED', _kind, _signed, (_receipt -> 'position')::bigint);
    RETURN _receipt;
END $$;
