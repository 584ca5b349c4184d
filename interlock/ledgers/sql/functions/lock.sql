-- Deliverer to the lock's own escrow account.
CREATE OR REPLACE FUNCTION ledger.lock(_terms_hash text, _signed jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _signed -> 'terms';
    _leg jsonb := _terms -> 'delivery';
    _lock ledger.locks;
    _deliverer bigint;
    _now timestamptz;
    _refusal jsonb;
    _escrow bigint;
    _receipt jsonb;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _lock FROM ledger.locks WHERE terms_hash = _terms_hash;
    IF FOUND THEN
        RETURN coalesce(ledger.receipt(_lock.lock_entry), ledger.refusal('terms_closed'));
    END IF;

    _deliverer := (SELECT id FROM ledger.accounts WHERE name = _leg ->> 'deliverer');
    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_deliverer);
    _now := ledger.clock();
    SELECT coalesce(
        ledger.refuse_late(_terms, _now),
        ledger.refuse_closed_coordinator(c.attestors, _terms),
        ledger.refuse_asset(c.asset, _leg, 'delivery'),
        ledger.refuse_account(c.deliverer, _leg ->> 'deliverer', _terms ->> 'seller', 'delivery.deliverer', true),
        -- The receiver's admission is the check's and the release's matter: it may come and go while units are locked.
        ledger.refuse_account(c.receiver, _leg ->> 'receiver', _terms ->> 'buyer', 'delivery.receiver', false),
        ledger.refuse_used_id(_terms_hash, _terms, c.deliverer),
        ledger.refuse_early(_terms, _now),
        ledger.refuse_debit(c.deliverer, c.balance, _leg, 'delivery')
    ) INTO _refusal FROM ledger.concerning(_terms, _leg) AS c;
    IF _refusal IS NOT NULL THEN
        RETURN ledger.refuse_for_now(_refusal, _terms_hash, _terms, (_terms ->> 'settle_by')::timestamptz);
    END IF;

    INSERT INTO ledger.accounts (name, kind, admitted) VALUES ('escrow:' || _terms_hash, 'escrow', true)
    RETURNING id INTO _escrow;
    _receipt := ledger.write_entry('lock', _terms_hash, _terms ->> 'settlement_id', NULL, _now,
        'both parties'' terms', jsonb_build_object('signed', _signed), _attempt);
    _entry := _receipt -> 'position';
    PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric, _deliverer, _escrow);
    INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, deliverer, escrow, lock_entry)
    VALUES (_terms_hash, _terms ->> 'settlement_id', 'locked', _signed, _deliverer, _escrow, _entry);
    RETURN _receipt;
END $$;
