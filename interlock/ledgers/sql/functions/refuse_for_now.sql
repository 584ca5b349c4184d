-- Refuse; and where a credit, an unfreezing or an admission would change that, remember who waits for it. The account
-- is held until this commits, as it is by whoever changes it: a change either came before, or finds the waiter.
CREATE OR REPLACE FUNCTION ledger.refuse_for_now(
    _refusal jsonb, _terms_hash text, _terms jsonb, _settle_by timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    _account bigint;
BEGIN
    IF _refusal ->> 'code' NOT IN ('insufficient_balance', 'account_frozen', 'not_admitted') THEN
        RETURN _refusal;
    END IF;
    INSERT INTO ledger.waiters AS w
        (terms_hash, settlement_id, seller, buyer, account, cause, asset, needed, settle_by, since)
    SELECT _terms_hash, _terms ->> 'settlement_id', _terms ->> 'seller', _terms ->> 'buyer', a.id, _refusal ->> 'code',
        _refusal #>> '{facts,asset}', (_refusal #>> '{facts,needed}')::numeric, _settle_by, ledger.clock()
    FROM ledger.accounts AS a WHERE a.name = _refusal #>> '{facts,account}'
    ON CONFLICT (terms_hash) DO UPDATE SET ticket = DEFAULT, account = excluded.account, cause = excluded.cause,
        asset = excluded.asset, needed = excluded.needed, settle_by = excluded.settle_by, woken_at = NULL
    RETURNING w.account INTO _account;
    PERFORM ledger.announce(_account); -- what this one cannot use may do for another
    RETURN _refusal;
END $$;
