SELECT place FROM audit.missing_steps($1::text[], $2::text[], $3::text[])
