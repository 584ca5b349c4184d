SELECT ledger.accuse($1, $2, $3::jsonb, $4::jsonb)
