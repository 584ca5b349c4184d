SELECT audit.looked_through($1)
