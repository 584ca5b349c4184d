SELECT min(position) FROM ledger.entries WHERE position > $1 AND position <= $2
