SELECT ledger.resume($1, $2::jsonb, $3::jsonb)
