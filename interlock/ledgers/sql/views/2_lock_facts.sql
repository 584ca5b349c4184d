-- Locks, as the protocol words them: all that attestors and the sweeper look at.
CREATE OR REPLACE VIEW ledger.lock_facts AS
SELECT
    l.terms_hash,
    l.settlement_id,
    l.state,
    l.lock_entry AS position,
    locked.at AS locked_at,
    jsonb_build_object(
        'terms_hash', l.terms_hash,
        'state', l.state,
        'signed', l.signed,
        'locked', locked.receipt,
        'ended', ended.receipt
    ) AS fact
FROM ledger.locks AS l
LEFT JOIN ledger.receipts AS locked ON locked.position = l.lock_entry
LEFT JOIN ledger.receipts AS ended ON ended.position = l.ending_entry;
