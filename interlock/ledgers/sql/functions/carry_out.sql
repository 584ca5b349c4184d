-- What an order changes beside the journal. A succeeded set is closed to new terms: its keys are lost or stolen.
CREATE OR REPLACE FUNCTION ledger.carry_out(_entry bigint, _order jsonb, _attestors jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    _account text := _order ->> 'account';
BEGIN
    CASE _order ->> 'kind'
    WHEN 'open' THEN
        INSERT INTO ledger.accounts (name, kind, owner, admitted)
        VALUES (_account, 'party', _order ->> 'owner', (_order ->> 'admitted')::boolean);
    WHEN 'account' THEN
        UPDATE ledger.accounts SET
            admitted = CASE _order ->> 'act' WHEN 'admit' THEN true WHEN 'expel' THEN false ELSE admitted END,
            frozen = CASE _order ->> 'act' WHEN 'freeze' THEN true WHEN 'unfreeze' THEN false ELSE frozen END
        WHERE name = _account;
        PERFORM ledger.announce((SELECT id FROM ledger.accounts WHERE name = _account));
    WHEN 'mint' THEN
        PERFORM ledger.move(_entry, _order ->> 'asset', (_order ->> 'quantity')::numeric,
            (SELECT id FROM ledger.accounts WHERE issues = _order ->> 'asset'),
            (SELECT id FROM ledger.accounts WHERE name = _account));
    WHEN 'asset' THEN
        PERFORM ledger.add_asset(_order -> 'asset');
    WHEN 'attestors' THEN
        PERFORM ledger.add_attestors(_attestors);
        UPDATE ledger.attestor_sets SET closed = true, succeeded_by = (_order ->> 'epoch')::bigint
        WHERE name = _order ->> 'name' AND epoch = (_order ->> 'succeeds')::bigint;
    WHEN 'readmit' THEN
        PERFORM ledger.note_accused(_order ->> 'attestor', false, _entry);
    WHEN 'close' THEN
        UPDATE ledger.attestor_sets SET closed = true
        WHERE name = _order ->> 'name' AND epoch = (_order ->> 'epoch')::bigint;
    END CASE;
END $$;
