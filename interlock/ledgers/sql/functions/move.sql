-- One movement: two postings of an entry, in the order in which accounts are locked; and whoever waits for it is told.
CREATE OR REPLACE FUNCTION ledger.move(_entry bigint, _asset text, _quantity numeric, _from bigint, _to bigint)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO ledger.postings (entry, account, asset, quantity)
    SELECT _entry, account, _asset, quantity FROM (VALUES (_from, -_quantity), (_to, _quantity)) AS p (account, quantity)
    ORDER BY account;
    SELECT ledger.announce(_to)
$$;
