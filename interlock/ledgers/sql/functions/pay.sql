-- Payer to payee, and the verdict PAID.
CREATE OR REPLACE FUNCTION ledger.pay(_terms_hash text, _signed jsonb, _certificate jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _signed -> 'terms';
    _leg jsonb := _terms -> 'payment';
    _verdict ledger.verdicts;
    _payer bigint;
    _payee bigint;
    _now timestamptz;
    _refusal jsonb;
    _receipt jsonb;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _verdict FROM ledger.verdicts WHERE terms_hash = _terms_hash;
    IF _verdict.verdict = 'PAID' THEN
        RETURN ledger.receipt(_verdict.entry);
    ELSIF _verdict.verdict = 'VOIDED' THEN
        RETURN ledger.refusal('already_voided');
    END IF;

    _payer := (SELECT id FROM ledger.accounts WHERE name = _leg ->> 'deliverer');
    _payee := (SELECT id FROM ledger.accounts WHERE name = _leg ->> 'receiver');
    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_payer, _payee);
    _now := ledger.clock();
    SELECT coalesce(
        ledger.refuse_late(_terms, _now),
        ledger.refuse_superseded(c.attestors, _terms, _certificate),
        ledger.refuse_left_out(_certificate),
        ledger.refuse_asset(c.asset, _leg, 'payment'),
        ledger.refuse_account(c.deliverer, _leg ->> 'deliverer', _terms ->> 'buyer', 'payment.deliverer', false),
        ledger.refuse_account(c.receiver, _leg ->> 'receiver', _terms ->> 'seller', 'payment.receiver', true),
        ledger.refuse_debit(c.deliverer, c.balance, _leg, 'payment')
    ) INTO _refusal FROM ledger.concerning(_terms, _leg) AS c;
    IF _refusal IS NOT NULL THEN
        RETURN ledger.refuse_for_now(_refusal, _terms_hash, _terms, (_terms ->> 'settle_by')::timestamptz);
    END IF;

    _receipt := ledger.write_entry('pay', _terms_hash, _terms ->> 'settlement_id', NULL, _now, 'certificate LOCKED',
        jsonb_build_object('signed', _signed, 'certificate', _certificate), _attempt);
    _entry := _receipt -> 'position';
    PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric, _payer, _payee);
    INSERT INTO ledger.verdicts (terms_hash, settlement_id, verdict, authority, signed, entry)
    VALUES (_terms_hash, _terms ->> 'settlement_id', 'PAID', 'certificate', _signed, _entry);
    RETURN _receipt;
END $$;
