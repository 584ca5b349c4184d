SELECT audit.note_looked_through($1, $2::jsonb)
