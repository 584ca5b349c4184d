SELECT e.position, e.at, e.operation, coalesce(e.settlement_id, '') AS settlement_id,
    coalesce(e.terms_hash, e.order_digest, '') AS terms_hash, p.asset, p.quantity, p.balance, e.reason
FROM ledger.postings AS p JOIN ledger.entries AS e ON e.position = p.entry
WHERE p.account = $1
ORDER BY e.position, p.asset
