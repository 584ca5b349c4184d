CREATE OR REPLACE FUNCTION ledger.refuse_early(_terms jsonb, _now timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT ledger.past((_terms ->> 'not_before')::timestamptz, _now)
        THEN ledger.refusal('too_early', 'moment', _terms ->> 'not_before')
    END
$$;
