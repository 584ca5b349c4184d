-- One settlement id moves a deliverer's units once, whatever the terms.
CREATE OR REPLACE FUNCTION ledger.refuse_used_id(_terms_hash text, _terms jsonb, _deliverer ledger.accounts)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT ledger.refusal('id_used', 'settlement_id', l.settlement_id, 'account', _deliverer.name,
        'other', l.terms_hash, 'field', 'settlement_id')
    FROM ledger.locks AS l
    WHERE l.deliverer = _deliverer.id AND l.settlement_id = _terms ->> 'settlement_id'
        AND l.lock_entry IS NOT NULL AND l.terms_hash <> _terms_hash
$$;
