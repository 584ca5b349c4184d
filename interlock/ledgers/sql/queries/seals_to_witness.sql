-- From this number on, and with it: another seal of that number is news.
SELECT number, digest, seal, signature FROM ledger.seals WHERE number >= $1 ORDER BY number LIMIT 100
