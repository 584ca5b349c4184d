-- Whether this ledger would do its part, judging only what somebody's act can change. Writes nothing.
CREATE OR REPLACE FUNCTION ledger.check(_terms_hash text, _terms jsonb, _role text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    _leg jsonb := _terms -> _role;
    _deliverer text := _terms ->> CASE _role WHEN 'delivery' THEN 'seller' ELSE 'buyer' END;
    _receiver text := _terms ->> CASE _role WHEN 'delivery' THEN 'buyer' ELSE 'seller' END;
BEGIN
    RETURN (SELECT coalesce(
        ledger.refuse_late(_terms, ledger.clock()),
        ledger.refuse_closed_coordinator(c.attestors, _terms),
        ledger.refuse_asset(c.asset, _leg, _role),
        ledger.refuse_account(c.deliverer, _leg ->> 'deliverer', _deliverer, _role || '.deliverer', true),
        ledger.refuse_account(c.receiver, _leg ->> 'receiver', _receiver, _role || '.receiver', true),
        CASE _role WHEN 'delivery' THEN ledger.refuse_used_id(_terms_hash, _terms, c.deliverer) END
    ) FROM ledger.concerning(_terms, _leg) AS c);
END $$;
