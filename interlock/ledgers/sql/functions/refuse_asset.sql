CREATE OR REPLACE FUNCTION ledger.refuse_asset(_leg jsonb, _role text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN a.code IS NULL
        THEN ledger.refusal('unknown_asset', 'asset', _leg #>> '{asset,code}', 'field', _role || '.asset')
        WHEN a.decimals <> (_leg #>> '{asset,decimals}')::integer
        THEN ledger.refusal('decimals_mismatch', 'asset', a.code, 'decimals', a.decimals::text,
            'said', _leg #>> '{asset,decimals}', 'field', _role || '.asset.decimals')
    END
    FROM (VALUES (_leg #>> '{asset,code}')) AS named (code) LEFT JOIN ledger.assets AS a ON a.code = named.code
$$;
