-- Attestors whose misconduct was proven here. docs/decisions/0018-misconduct.md.

CREATE TABLE ledger.accused (
    attestor ledger.address PRIMARY KEY,
    left_out boolean NOT NULL, -- false once two operators have re-admitted it
    entry bigint NOT NULL -- that last accused or re-admitted it
);

CREATE TRIGGER kept BEFORE DELETE ON ledger.accused FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON ledger.accused
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Left out by an accusation of the journal, re-admitted by an order of it: each entry changes it once.
CREATE FUNCTION ledger.refuse_odd_accused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger.entries
    WHERE position = NEW.entry AND operation = CASE WHEN NEW.left_out THEN 'accuse' ELSE 'readmit' END;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no entry % leaves out or re-admits %', NEW.entry, NEW.attestor
            USING ERRCODE = 'foreign_key_violation';
    ELSIF TG_OP = 'UPDATE' AND (NEW.attestor <> OLD.attestor OR NEW.entry <= OLD.entry) THEN
        RAISE EXCEPTION 'who was accused is accused or re-admitted by a later entry only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER well_formed BEFORE INSERT OR UPDATE ON ledger.accused
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_odd_accused();

CREATE OR REPLACE FUNCTION ledger.refuse_odd_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.operation NOT IN ('genesis', 'lock', 'release', 'refund', 'pay', 'void', 'resume', 'open', 'mint', 'admit',
            'expel', 'freeze', 'unfreeze', 'asset', 'attestors', 'close', 'accuse', 'readmit')
        OR (NEW.operation IN ('lock', 'release', 'refund', 'pay', 'void', 'resume')) <> (NEW.terms_hash IS NOT NULL)
        OR (NEW.operation IN ('genesis', 'lock', 'release', 'refund', 'pay', 'void')) <> (NEW.order_digest IS NULL)
        OR length(NEW.trace_id) <> 32 OR ltrim(NEW.trace_id, '0123456789abcdef') <> ''
        OR length(NEW.span_id) <> 16 OR ltrim(NEW.span_id, '0123456789abcdef') <> ''
    THEN
        RAISE EXCEPTION 'entry % (%) is not one that a ledger makes', NEW.position, NEW.operation
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
