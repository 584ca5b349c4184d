-- One settlement id moves a deliverer's units once, whatever the terms.
CREATE OR REPLACE FUNCTION ledger.refuse_used_id(_terms_hash text, _terms jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT ledger.refusal('id_used', 'settlement_id', l.settlement_id, 'account', a.name, 'other', l.terms_hash,
        'field', 'settlement_id')
    FROM ledger.accounts AS a JOIN ledger.locks AS l ON l.deliverer = a.id
    WHERE a.name = _terms #>> '{delivery,deliverer}' AND l.settlement_id = _terms ->> 'settlement_id'
        AND l.lock_entry IS NOT NULL AND l.terms_hash <> _terms_hash
$$;
