-- Verdicts, as the protocol words them.
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
        'receipt', r.receipt
    ) AS fact
FROM ledger.verdicts AS v JOIN ledger.receipts AS r ON r.position = v.entry;
