CREATE OR REPLACE FUNCTION ledger.refuse_late(_terms jsonb, _now timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN ledger.past((_terms ->> 'settle_by')::timestamptz, _now)
        THEN ledger.refusal('deadline_passed', 'moment', _terms ->> 'settle_by')
    END
$$;
