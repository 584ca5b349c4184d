SELECT place, is_free FROM audit.missing_effects($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
