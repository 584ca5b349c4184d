SELECT ledger.release($1, $2::jsonb, $3::jsonb)
