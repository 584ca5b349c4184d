SELECT audit.witness($1, $2::jsonb, $3::jsonb)
