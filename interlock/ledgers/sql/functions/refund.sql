-- Escrow back to the deliverer, frozen, expelled or not; with no lock there, a tombstone for a lock that arrives late.
CREATE OR REPLACE FUNCTION ledger.refund(_terms_hash text, _unsigned jsonb, _evidence jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _unsigned -> 'terms';
    _lock ledger.locks;
    _refusal jsonb;
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
    PERFORM ledger.hold_accounts(_terms #>> '{delivery,deliverer}', 'escrow:' || _terms_hash);
    _refusal := ledger.refuse_superseded(_terms, _evidence -> 'certificate');
    IF _refusal IS NOT NULL THEN
        RETURN _refusal;
    END IF;

    _entry := ledger.write_entry('refund', _terms_hash, _terms ->> 'settlement_id', NULL, ledger.clock(),
        'certificate VOIDED', _evidence, _attempt);
    IF _lock.terms_hash IS NULL THEN
        INSERT INTO ledger.locks (terms_hash, settlement_id, state, signed, ending_entry)
        VALUES (_terms_hash, _terms ->> 'settlement_id', 'refunded', _unsigned, _entry);
    ELSE
        PERFORM ledger.move(_entry, _terms #>> '{delivery,asset,code}', (_terms #>> '{delivery,quantity}')::numeric,
            _lock.escrow, _lock.deliverer);
        UPDATE ledger.locks SET state = 'refunded', ending_entry = _entry WHERE terms_hash = _terms_hash;
    END IF;
    RETURN ledger.receipt(_entry);
END $$;
