-- What was relied on by each effect that needs attestors, in the journal's order.
SELECT authority ->> 'certificate' AS certificate FROM ledger.entries
WHERE operation IN ('pay', 'release', 'refund') AND authority ? 'certificate' ORDER BY position
