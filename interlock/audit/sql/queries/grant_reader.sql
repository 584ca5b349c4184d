SELECT audit.grant_reader($1)
