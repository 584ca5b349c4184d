-- Journal two operators' order to look again now. Moves nothing.
CREATE OR REPLACE FUNCTION ledger.resume(_digest text, _signed jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _order jsonb := _signed -> 'order';
    _receipt jsonb;
    _now timestamptz;
BEGIN
    PERFORM ledger.hold(_digest);
    SELECT receipt INTO _receipt FROM ledger.receipts
    WHERE position = (SELECT position FROM ledger.entries WHERE order_digest = _digest);
    _now := ledger.clock();
    IF _receipt IS NULL AND NOT ledger.past((_order ->> 'valid_until')::timestamptz, _now) THEN
        _receipt := ledger.write_entry('resume', _order ->> 'terms_hash', NULL, _digest, _now, _order ->> 'reason',
            _signed, _attempt);
    END IF;
    RETURN coalesce(
        _receipt,
        ledger.refuse_expired((_order ->> 'valid_until')::timestamptz, _now)
    );
END $$;
