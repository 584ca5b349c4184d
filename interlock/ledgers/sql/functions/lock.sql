-- Deliverer to the lock's own escrow account.
CREATE OR REPLACE FUNCTION ledger.lock(_terms_hash text, _signed jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _signed -> 'terms';
    _leg jsonb := _terms -> 'delivery';
    _lock ledger.locks;
    _now timestamptz;
    _refusal jsonb;
    _deliverer bigint;
    _escrow bigint;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _lock FROM ledger.locks WHERE terms_hash = _terms_hash;
    IF FOUND THEN
        RETURN coalesce(ledger.receipt(_lock.lock_entry), ledger.refusal('terms_closed'));
    END IF;

    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_leg ->> 'deliverer');
    _now := ledger.clock();
    _refusal := coalesce(
        ledger.refuse_late(_terms, _now),
        ledger.refuse_closed_coordinator(_terms),
        ledger.refuse_asset(_leg, 'delivery'),
        ledger.refuse_account(_leg ->> 'deliverer', _terms ->> 'seller', 'delivery.deliverer', true),
        -- The receiver's admission is the check's and the release's matter: it may come and go while units are locked.
        ledger.refuse_account(_leg ->> 'receiver', _terms ->> 'buyer', 'delivery.receiver', false),
        ledger.refuse_used_id(_terms_hash, _terms),
        ledger.refuse_early(_terms, _now),
        ledger.refuse_debit(_leg, 'delivery')
    );
    IF _refusal IS NOT NULL THEN
        RETURN ledger.refuse_for_now(_refusal, _terms_hash, _terms, (_terms ->> 'settle_by')::timestamptz);
    END IF;

    SELECT id INTO _deliverer FROM ledger.accounts WHERE name = _leg ->> 'deliverer';
    INSERT INTO ledger.accounts (name, kind, admitted) VALUES ('escrow:' || _terms_hash, 'escrow', true)
    RETURNING id INTO _escrow;
    _entry := ledger.write_entry('lock', _terms_hash, _terms ->> 'settlement_id', NULL, _now,
        'both parties'' terms', jsonb_build_object('signed', _signed), _attempt);
    PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric, _deliverer, _escrow);
    INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, deliverer, escrow, lock_entry)
    VALUES (_terms_hash, _terms ->> 'settlement_id', 'locked', _signed, _deliverer, _escrow, _entry);
    RETURN ledger.receipt(_entry);
END $$;
