-- What made the attestor sets what they are, in order.
SELECT position, operation, authority FROM ledger.entries WHERE operation IN ('genesis', 'attestors', 'close')
ORDER BY position
