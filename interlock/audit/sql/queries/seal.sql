SELECT audit.seal($1, $2::jsonb, $3::jsonb, $4::bigint[], $5::bigint[], $6::bytea)
