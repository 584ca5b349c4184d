-- Append to the journal; returns the receipt.
CREATE OR REPLACE FUNCTION ledger.write_entry(
    _operation text, _terms_hash text, _settlement_id text, _order_digest text, _at timestamptz, _reason text,
    _authority jsonb, _attempt jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    _receipt jsonb;
    _waited_for bigint;
BEGIN
    -- What was judged is what stood when the accounts were held: an older snapshot would not show it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a ledger''s operations run in READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    -- Final means flushed: whoever connects with less gets no less.
    IF current_setting('synchronous_commit') IN ('off', 'local') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- From before it has a position until it commits, an entry is in flight: ledger.settled_position waits for those.
    PERFORM pg_advisory_xact_lock_shared(1, 0);
    INSERT INTO ledger.entries (operation, terms_hash, settlement_id, order_digest, at, reason, authority,
        actor, trace_id, span_id)
    VALUES (_operation, _terms_hash, _settlement_id, _order_digest, _at, _reason, _authority,
        _attempt ->> 'actor', _attempt ->> 'trace_id', _attempt ->> 'span_id')
    RETURNING ledger.worded(position, operation, terms_hash, order_digest, reference, at,
        (SELECT i.ledger FROM ledger.identity AS i)) INTO _receipt;
    -- Terms that have an effect do not wait for one. Whoever waits for the same account may be next.
    IF _terms_hash IS NOT NULL AND _operation <> 'resume' THEN
        DELETE FROM ledger.waiters WHERE terms_hash = _terms_hash RETURNING account INTO _waited_for;
        IF FOUND THEN
            PERFORM ledger.announce(_waited_for);
        END IF;
    END IF;
    RETURN _receipt;
END $$;
