-- An asset and the one account that issues it.
CREATE OR REPLACE FUNCTION ledger.add_asset(_asset jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.assets (code, decimals) VALUES (_asset ->> 'code', (_asset ->> 'decimals')::integer);
    INSERT INTO ledger.accounts (name, kind, issues, admitted)
    VALUES ('issuance:' || (_asset ->> 'code'), 'issuance', _asset ->> 'code', true);
END $$;
