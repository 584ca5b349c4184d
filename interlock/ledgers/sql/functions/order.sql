-- Carry out two operators' order, once. Orders are few: one at a time, so that none meets another's half-done work.
-- `_attestors` is the set that an order registers, as the protocol sorts and digests it; null for other orders.
CREATE OR REPLACE FUNCTION ledger.order(_digest text, _signed jsonb, _attestors jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _order jsonb := _signed -> 'order';
    _kind text := _order ->> 'kind';
    _standing bigint;
    _now timestamptz;
    _refusal jsonb;
    _receipt jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(2, 0);
    SELECT position INTO _standing FROM ledger.entries WHERE order_digest = _digest;
    IF FOUND THEN
        RETURN ledger.receipt(_standing);
    END IF;

    IF _kind IN ('attestors', 'close', 'readmit') THEN
        PERFORM ledger.hold_attestors(true);
    END IF;
    PERFORM ledger.hold_accounts(
        (SELECT id FROM ledger.accounts WHERE name = _order ->> 'account'),
        (SELECT id FROM ledger.accounts WHERE issues = _order ->> 'asset')
    );
    _now := ledger.clock();
    _refusal := coalesce(
        ledger.refuse_expired((_order ->> 'valid_until')::timestamptz, _now),
        ledger.refuse_order(_order)
    );
    IF _refusal IS NOT NULL THEN
        RETURN _refusal;
    END IF;

    _receipt := ledger.write_entry(CASE _kind WHEN 'account' THEN _order ->> 'act' ELSE _kind END, NULL, NULL, _digest,
        _now, _order ->> 'reason', _signed, _attempt);
    PERFORM ledger.carry_out((_receipt -> 'position')::bigint, _order, _attestors);
    RETURN _receipt;
END $$;
