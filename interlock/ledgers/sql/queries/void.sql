SELECT ledger.void($1, $2::jsonb, $3::jsonb, $4, $5::jsonb)
