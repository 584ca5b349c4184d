-- Why an account may not play its part: unknown, not that party's, or (if it must be) not admitted.
CREATE OR REPLACE FUNCTION ledger.refuse_account(_name text, _owner text, _field text, _admitted boolean) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN a.id IS NULL
        THEN ledger.refusal('unknown_account', 'account', _name, 'field', _field)
        WHEN a.owner <> _owner
        THEN ledger.refusal('wrong_owner', 'account', _name, 'owner', _owner, 'field', _field)
        WHEN _admitted AND NOT a.admitted
        THEN ledger.refusal('not_admitted', 'account', _name, 'field', _field)
    END
    FROM (VALUES (_name)) AS named (account)
    LEFT JOIN ledger.accounts AS a ON a.name = named.account AND a.kind = 'party'
$$;
