-- Escrow to the receiver, or to the account that a redirection names. `_evidence`: certificate and, if any, redirection.
CREATE OR REPLACE FUNCTION ledger.release(_terms_hash text, _evidence jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _redirection jsonb := _evidence #> '{redirection,redirection}';
    _lock ledger.locks;
    _terms jsonb;
    _leg jsonb;
    _receiver bigint;
    _now timestamptz;
    _refusal jsonb;
    _receipt jsonb;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _lock FROM ledger.locks WHERE terms_hash = _terms_hash;
    IF NOT FOUND THEN
        RETURN ledger.refusal('no_lock');
    ELSIF _lock.state = 'released' THEN
        RETURN ledger.receipt(_lock.ending_entry);
    ELSIF _lock.state = 'refunded' THEN
        RETURN ledger.refusal('already_voided');
    END IF;

    _terms := _lock.signed -> 'terms';
    _leg := _terms -> 'delivery';
    IF _redirection IS NOT NULL THEN
        _leg := jsonb_set(_leg, '{receiver}', _redirection -> 'receiver');
    END IF;
    SELECT id INTO _receiver FROM ledger.accounts WHERE name = _leg ->> 'receiver';
    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_receiver); -- nobody but who holds these terms comes near the escrow account
    _now := ledger.clock();
    SELECT coalesce(
        ledger.refuse_superseded(c.attestors, _terms, _evidence -> 'certificate'),
        ledger.refuse_left_out(_evidence -> 'certificate'),
        ledger.refuse_expired((_redirection ->> 'valid_until')::timestamptz, _now),
        ledger.refuse_account(c.receiver, _leg ->> 'receiver', _terms ->> 'buyer', 'delivery.receiver', true)
    ) INTO _refusal FROM ledger.concerning(_terms, _leg) AS c;
    IF _refusal IS NOT NULL AND _redirection IS NOT NULL THEN
        RETURN _refusal; -- nobody waits for a redirection: without it, the release waits for the terms' own receiver
    ELSIF _refusal IS NOT NULL THEN
        RETURN ledger.refuse_for_now(_refusal, _terms_hash, _terms, NULL);
    END IF;

    _receipt := ledger.write_entry('release', _terms_hash, _lock.settlement_id, NULL, _now,
        coalesce(_redirection ->> 'reason', 'certificate PAID'), _evidence, _attempt);
    _entry := _receipt -> 'position';
    PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric, _lock.escrow, _receiver);
    UPDATE ledger.locks SET state = 'released', ending_entry = _entry WHERE terms_hash = _terms_hash;
    RETURN _receipt;
END $$;
