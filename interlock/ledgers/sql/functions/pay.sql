-- Payer to payee, and the verdict PAID.
CREATE OR REPLACE FUNCTION ledger.pay(_terms_hash text, _signed jsonb, _certificate jsonb, _attempt jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _terms jsonb := _signed -> 'terms';
    _leg jsonb := _terms -> 'payment';
    _verdict ledger.verdicts;
    _now timestamptz;
    _refusal jsonb;
    _entry bigint;
BEGIN
    PERFORM ledger.hold(_terms_hash);
    SELECT * INTO _verdict FROM ledger.verdicts WHERE terms_hash = _terms_hash;
    IF _verdict.verdict = 'PAID' THEN
        RETURN ledger.receipt(_verdict.entry);
    ELSIF _verdict.verdict = 'VOIDED' THEN
        RETURN ledger.refusal('already_voided');
    END IF;

    PERFORM ledger.hold_attestors(false);
    PERFORM ledger.hold_accounts(_leg ->> 'deliverer', _leg ->> 'receiver');
    _now := ledger.clock();
    _refusal := coalesce(
        ledger.refuse_late(_terms, _now),
        ledger.refuse_superseded(_terms, _certificate),
        ledger.refuse_asset(_leg, 'payment'),
        ledger.refuse_account(_leg ->> 'deliverer', _terms ->> 'buyer', 'payment.deliverer', false),
        ledger.refuse_account(_leg ->> 'receiver', _terms ->> 'seller', 'payment.receiver', true),
        ledger.refuse_debit(_leg, 'payment')
    );
    IF _refusal IS NOT NULL THEN
        RETURN ledger.refuse_for_now(_refusal, _terms_hash, _terms, (_terms ->> 'settle_by')::timestamptz);
    END IF;

    _entry := ledger.write_entry('pay', _terms_hash, _terms ->> 'settlement_id', NULL, _now, 'certificate LOCKED',
        jsonb_build_object('signed', _signed, 'certificate', _certificate), _attempt);
    PERFORM ledger.move(_entry, _leg #>> '{asset,code}', (_leg ->> 'quantity')::numeric,
        (SELECT id FROM ledger.accounts WHERE name = _leg ->> 'deliverer'),
        (SELECT id FROM ledger.accounts WHERE name = _leg ->> 'receiver'));
    INSERT INTO ledger.verdicts (terms_hash, settlement_id, verdict, authority, signed, entry)
    VALUES (_terms_hash, _terms ->> 'settlement_id', 'PAID', 'certificate', _signed, _entry);
    RETURN ledger.receipt(_entry);
END $$;
