-- One movement: two postings of an entry, in the order in which accounts are held; and whoever waits for it is told.
CREATE OR REPLACE FUNCTION ledger.move(_entry bigint, _asset text, _quantity numeric, _from bigint, _to bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _lower numeric := CASE WHEN _from < _to THEN -_quantity ELSE _quantity END;
BEGIN
    INSERT INTO ledger.postings (entry, account, asset, quantity)
    VALUES (_entry, least(_from, _to), _asset, _lower), (_entry, greatest(_from, _to), _asset, -_lower);
    PERFORM ledger.announce(_to);
END $$;
