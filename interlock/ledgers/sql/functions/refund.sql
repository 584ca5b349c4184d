-- Escrow back to the deliverer, frozen, expelled or not; with no lock there, a tombstone for a lock that arrives late.
CREATE OR REPLACE FUNCTION ledger.refund(_terms_hash text, _unsigned jsonb, _evidence jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _unsigned -> 'terms';
    _leg jsonb := _terms -> 'delivery';
    _lock ledger.locks;
    _refusal jsonb;
    _receipt jsonb;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _lock FROM ledger.locks WHERE terms_hash = _terms_hash;
    IF _lock.state = 'refunded' THEN
        RETURN ledger.receipt(_lock.ending_entry);
    ELSIF _lock.state = 'released' THEN
        RETURN ledger.refusal('already_paid');
    END IF;

    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_lock.deliverer); -- nobody but who holds these terms comes near the escrow account
    SELECT coalesce(
        ledger.refuse_superseded(c.attestors, _terms, _evidence -> 'certificate'),
        ledger.refuse_left_out(_evidence -> 'certificate')
    ) INTO _refusal FROM ledger.concerning(_terms, _leg) AS c;
    IF _refusal IS NOT NULL THEN
        RETURN _refusal;
    END IF;

    _receipt := ledger.write_entry('refund', _terms_hash, _terms ->> 'settlement_id', NULL, ledger.clock(),
        'certificate VOIDED', _evidence, _attempt);
    _entry := _receipt -> 'position';
    IF _lock.terms_hash IS NULL THEN
        INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, ending_entry)
        VALUES (_terms_hash, _terms ->> 'settlement_id', 'refunded', _unsigned, _entry);
    ELSE
        PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric, _lock.escrow,
            _lock.deliverer);
        UPDATE ledger.locks SET state = 'refunded', ending_entry = _entry WHERE terms_hash = _terms_hash;
    END IF;
    RETURN _receipt;
END $$;
