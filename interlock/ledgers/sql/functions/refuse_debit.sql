-- Why the deliverer of a leg cannot deliver now: frozen, or too poor. Never final: both may change.
CREATE OR REPLACE FUNCTION ledger.refuse_debit(_account ledger.accounts, _balance numeric, _leg jsonb, _role text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN _account.frozen
        THEN ledger.refusal('account_frozen', 'account', _account.name, 'field', _role || '.deliverer')
        WHEN coalesce(_balance, 0) < (_leg ->> 'quantity')::numeric
        THEN ledger.refusal('insufficient_balance', 'account', _account.name, 'asset', _leg #>> '{asset,code}',
            'decimals', _leg #>> '{asset,decimals}', 'needed', _leg ->> 'quantity',
            'available', coalesce(_balance, 0)::text, 'field', _role || '.deliverer')
    END
$$;
