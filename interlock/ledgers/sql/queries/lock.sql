SELECT ledger.lock($1, $2::jsonb, $3::jsonb)
