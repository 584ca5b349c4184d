CREATE OR REPLACE FUNCTION ledger.refuse_asset(_asset ledger.assets, _leg jsonb, _role text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN _asset.code IS NULL
        THEN ledger.refusal('unknown_asset', 'asset', _leg #>> '{asset,code}', 'field', _role || '.asset')
        WHEN _asset.decimals <> (_leg #>> '{asset,decimals}')::integer
        THEN ledger.refusal('decimals_mismatch', 'asset', _asset.code, 'decimals', _asset.decimals::text,
            'said', _leg #>> '{asset,decimals}', 'field', _role || '.asset.decimals')
    END
$$;
