SELECT position AS place FROM ledger.entries WHERE position > $1 ORDER BY position LIMIT $2
