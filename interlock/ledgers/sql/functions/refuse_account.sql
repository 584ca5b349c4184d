-- Why an account may not play its part: unknown, not that party's, or (if it must be) not admitted.
CREATE OR REPLACE FUNCTION ledger.refuse_account(
    _account ledger.accounts, _name text, _owner text, _field text, _admitted boolean
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN _account.id IS NULL
        THEN ledger.refusal('unknown_account', 'account', _name, 'field', _field)
        WHEN _account.owner <> _owner
        THEN ledger.refusal('wrong_owner', 'account', _name, 'owner', _owner, 'field', _field)
        WHEN _admitted AND NOT _account.admitted
        THEN ledger.refusal('not_admitted', 'account', _name, 'field', _field)
    END
$$;
