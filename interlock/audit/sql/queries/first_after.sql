SELECT min(position) FROM audit.spans WHERE position > $1 AND position <= $2
