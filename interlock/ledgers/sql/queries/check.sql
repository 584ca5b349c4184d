-- What stands for the terms, and whether the ledger would do its part: one snapshot, one round trip.
SELECT
    (SELECT fact FROM ledger.lock_facts WHERE terms_hash = $1) AS lock,
    (SELECT fact FROM ledger.verdict_facts WHERE terms_hash = $1) AS verdict,
    ledger.check($1, $2::jsonb, $3) AS refusal
