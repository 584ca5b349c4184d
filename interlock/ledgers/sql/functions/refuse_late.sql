CREATE OR REPLACE FUNCTION ledger.refuse_late(_terms jsonb, _now timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT ledger.refusal('deadline_passed', 'moment', _terms ->> 'settle_by')
    WHERE ledger.past((_terms ->> 'settle_by')::timestamptz, _now)
$$;
