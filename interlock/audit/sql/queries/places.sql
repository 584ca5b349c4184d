SELECT position AS place FROM audit.spans WHERE position > $1 ORDER BY position LIMIT $2
