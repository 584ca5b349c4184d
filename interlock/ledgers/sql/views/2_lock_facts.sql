-- Locks, as the protocol words them: all that attestors and the sweeper look at.
--
-- Receipts are subqueries, so that each is always looked up by its position: a plan made while the journal was short,
-- which a connection keeps, must not read all of it when it is long.
CREATE OR REPLACE VIEW ledger.lock_facts AS
SELECT
    l.terms_hash,
    l.settlement_id,
    l.state,
    l.lock_entry AS position,
    (SELECT e.at FROM ledger.entries AS e WHERE e.position = l.lock_entry) AS locked_at,
    jsonb_build_object(
        'terms_hash', l.terms_hash,
        'state', l.state,
        'signed', l.signed,
        'locked', (SELECT r.receipt FROM ledger.receipts AS r WHERE r.position = l.lock_entry),
        'ended', (SELECT r.receipt FROM ledger.receipts AS r WHERE r.position = l.ending_entry)
    ) AS fact
FROM ledger.locks AS l;
