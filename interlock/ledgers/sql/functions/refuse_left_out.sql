-- Why a certificate does not count now although its set does: without those left out for misconduct, its signatures are
-- no quorum. Asked last of what concerns certificates, and almost always of an empty table.
CREATE OR REPLACE FUNCTION ledger.refuse_left_out(_certificate jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    _coordinator jsonb;
    _left_out text[];
    _counting bigint;
    _quorum integer;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.accused WHERE left_out) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(s.value ->> 'signer' ORDER BY s.value ->> 'signer') FILTER (WHERE a.attestor IS NOT NULL),
        count(*) FILTER (WHERE a.attestor IS NULL)
    INTO _left_out, _counting
    FROM jsonb_array_elements(_certificate -> 'signatures') AS s
    LEFT JOIN ledger.accused AS a ON a.attestor = s.value ->> 'signer' AND a.left_out;
    _coordinator := _certificate #> '{statement,coordinator}';
    SELECT quorum INTO _quorum FROM ledger.attestor_sets
    WHERE name = _coordinator ->> 'name' AND epoch = (_coordinator ->> 'epoch')::bigint;
    IF _counting >= _quorum THEN
        RETURN NULL;
    END IF;
    RETURN ledger.refusal('certificate_invalid', 'left_out', array_to_string(_left_out, ', '),
        'counting', _counting::text, 'quorum', _quorum::text);
END $$;
