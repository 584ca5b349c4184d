SELECT audit.grant_keeper($1)
