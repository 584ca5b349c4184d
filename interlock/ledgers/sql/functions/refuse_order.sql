-- Why an order cannot be carried out as things stand.
CREATE OR REPLACE FUNCTION ledger.refuse_order(_order jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    _account text := _order ->> 'account';
    _set text[] := ARRAY['coordinator', _order ->> 'name', 'epoch', _order ->> 'epoch', 'closed', 'false'];
    _kept ledger.attestor_sets;
    _issued numeric;
BEGIN
    CASE _order ->> 'kind'
    WHEN 'open' THEN
        IF EXISTS (SELECT FROM ledger.accounts WHERE name = _account) THEN
            RETURN ledger.refusal('account_exists', 'account', _account, 'field', 'account');
        END IF;
    WHEN 'account' THEN
        IF NOT EXISTS (SELECT FROM ledger.accounts WHERE name = _account AND kind = 'party') THEN
            RETURN ledger.refusal('unknown_account', 'account', _account, 'field', 'account');
        END IF;
    WHEN 'mint' THEN
        IF NOT EXISTS (SELECT FROM ledger.assets WHERE code = _order ->> 'asset') THEN
            RETURN ledger.refusal('unknown_asset', 'asset', _order ->> 'asset', 'field', 'asset');
        ELSIF NOT EXISTS (SELECT FROM ledger.accounts WHERE name = _account AND kind = 'party') THEN
            RETURN ledger.refusal('unknown_account', 'account', _account, 'field', 'account');
        ELSIF NOT (SELECT admitted FROM ledger.accounts WHERE name = _account) THEN
            RETURN ledger.refusal('not_admitted', 'account', _account, 'field', 'account');
        END IF;
        -- All units of an asset together fit one account, so no transfer can overflow one.
        SELECT -b.balance INTO _issued FROM ledger.balances AS b WHERE b.issues = _order ->> 'asset'
            AND b.asset = _order ->> 'asset';
        IF coalesce(_issued, 0) + (_order ->> 'quantity')::numeric > 2::numeric ^ 256 - 1 THEN
            RETURN ledger.refusal('quantity_too_large', 'account', _account, 'asset', _order ->> 'asset',
                'field', 'quantity');
        END IF;
    WHEN 'asset' THEN
        IF EXISTS (SELECT FROM ledger.assets WHERE code = _order #>> '{asset,code}') THEN
            RETURN ledger.refusal('asset_exists', 'asset', _order #>> '{asset,code}', 'field', 'asset.code');
        END IF;
    WHEN 'attestors' THEN
        IF EXISTS (SELECT FROM ledger.attestor_sets
            WHERE name = _order ->> 'name' AND epoch = (_order ->> 'epoch')::bigint)
        THEN
            RETURN ledger.refusal('set_exists', VARIADIC _set || ARRAY['field', 'epoch']);
        ELSIF (_order ->> 'succeeds') IS NOT NULL THEN
            _set[4] := _order ->> 'succeeds';
            SELECT * INTO _kept FROM ledger.attestor_sets
            WHERE name = _order ->> 'name' AND epoch = (_order ->> 'succeeds')::bigint;
            IF NOT FOUND OR _kept.epoch >= (_order ->> 'epoch')::bigint THEN
                RETURN ledger.refusal('unknown_coordinator', VARIADIC _set || ARRAY['field', 'succeeds']);
            ELSIF _kept.succeeded_by IS NOT NULL THEN
                RETURN ledger.refusal('set_exists', VARIADIC _set || ARRAY['field', 'succeeds',
                    'successor', _kept.succeeded_by::text]);
            END IF;
        END IF;
    WHEN 'readmit' THEN
        IF NOT EXISTS (SELECT FROM ledger.accused WHERE attestor = _order ->> 'attestor' AND left_out) THEN
            RETURN ledger.refusal('not_left_out', 'attestor', _order ->> 'attestor', 'field', 'attestor');
        END IF;
    WHEN 'close' THEN
        IF NOT EXISTS (SELECT FROM ledger.attestor_sets
            WHERE name = _order ->> 'name' AND epoch = (_order ->> 'epoch')::bigint)
        THEN
            RETURN ledger.refusal('unknown_coordinator', VARIADIC _set || ARRAY['field', 'epoch']);
        END IF;
    END CASE;
    RETURN NULL;
END $$;
