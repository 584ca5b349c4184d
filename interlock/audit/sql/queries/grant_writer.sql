SELECT audit.grant_writer($1)
