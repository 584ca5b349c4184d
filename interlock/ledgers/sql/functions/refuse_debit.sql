-- Why the deliverer of a leg cannot deliver now: frozen, or too poor. Never final: both may change.
CREATE OR REPLACE FUNCTION ledger.refuse_debit(_leg jsonb, _role text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN a.frozen
        THEN ledger.refusal('account_frozen', 'account', a.name, 'field', _role || '.deliverer')
        WHEN coalesce(b.balance, 0) < (_leg ->> 'quantity')::numeric
        THEN ledger.refusal('insufficient_balance', 'account', a.name, 'asset', _leg #>> '{asset,code}',
            'decimals', _leg #>> '{asset,decimals}', 'needed', _leg ->> 'quantity',
            'available', coalesce(b.balance, 0)::text, 'field', _role || '.deliverer')
    END
    FROM ledger.accounts AS a
    LEFT JOIN ledger.balances AS b ON b.account = a.id AND b.asset = _leg #>> '{asset,code}'
    WHERE a.name = _leg ->> 'deliverer'
$$;
