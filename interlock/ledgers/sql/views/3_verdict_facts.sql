-- Verdicts, as the protocol words them. The receipt is a subquery for the same reason as a lock's.
CREATE OR REPLACE VIEW ledger.verdict_facts AS
SELECT
    v.terms_hash,
    v.settlement_id,
    v.entry AS position,
    jsonb_build_object(
        'terms_hash', v.terms_hash,
        'verdict', v.verdict,
        'signed', v.signed,
        'authority', v.authority,
        'receipt', (SELECT r.receipt FROM ledger.receipts AS r WHERE r.position = v.entry)
    ) AS fact
FROM ledger.verdicts AS v;
