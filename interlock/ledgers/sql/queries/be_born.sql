SELECT ledger.be_born($1::jsonb, $2::jsonb)
