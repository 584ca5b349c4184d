SELECT ledger.pay($1, $2::jsonb, $3::jsonb, $4::jsonb)
