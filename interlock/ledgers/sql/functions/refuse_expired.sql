CREATE OR REPLACE FUNCTION ledger.refuse_expired(_valid_until timestamptz, _now timestamptz) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN ledger.past(_valid_until, _now)
        THEN ledger.refusal('authority_expired', 'moment',
            to_char(_valid_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    END
$$;
