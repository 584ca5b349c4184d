-- The same rules, looked after where it costs least (docs/decisions/0013-ledger-speed.md).
--
-- A CHECK is parsed anew by every statement that writes to its table, a regular expression builds its automaton for every
-- value, and a foreign key looks its row up and locks it, so that whoever posts of an asset writes to that asset's row. A
-- trigger keeps its plans. So what a row says, and what it refers to, is seen to by one trigger of its table; nothing that
-- is referred to can be deleted. The unique keys stay, and the one CHECK that no balance is negative.

ALTER DOMAIN ledger.digest DROP CONSTRAINT digest_check;
ALTER DOMAIN ledger.digest ADD CONSTRAINT digest_check
    CHECK (length(VALUE) = 66 AND starts_with(VALUE, '0x') AND ltrim(substr(VALUE, 3), '0123456789abcdef') = '');

ALTER TABLE ledger.entries
    DROP CONSTRAINT entries_operation_check, DROP CONSTRAINT entries_trace_id_check,
    DROP CONSTRAINT entries_span_id_check, DROP CONSTRAINT entries_check, DROP CONSTRAINT entries_check1,
    DROP CONSTRAINT entries_order_digest_key;
CREATE UNIQUE INDEX one_entry_of_each_order ON ledger.entries (order_digest) WHERE order_digest IS NOT NULL;

CREATE FUNCTION ledger.refuse_odd_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.operation NOT IN ('genesis', 'lock', 'release', 'refund', 'pay', 'void', 'resume', 'open', 'mint', 'admit',
            'expel', 'freeze', 'unfreeze', 'asset', 'attestors', 'close')
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

CREATE TRIGGER well_formed BEFORE INSERT ON ledger.entries FOR EACH ROW EXECUTE FUNCTION ledger.refuse_odd_entry();

ALTER TABLE ledger.verdicts
    DROP CONSTRAINT verdicts_verdict_check, DROP CONSTRAINT verdicts_authority_check, DROP CONSTRAINT verdicts_check,
    DROP CONSTRAINT verdicts_entry_fkey;

CREATE FUNCTION ledger.refuse_odd_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verdict NOT IN ('PAID', 'VOIDED')
        OR NEW.authority NOT IN ('certificate', 'consent', 'time', 'operators')
        OR (NEW.verdict = 'PAID') <> (NEW.authority = 'certificate')
    THEN
        RAISE EXCEPTION 'no ledger says % on authority of %', NEW.verdict, NEW.authority
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM FROM ledger.entries WHERE position = NEW.entry;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no entry %', NEW.entry USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER well_formed BEFORE INSERT ON ledger.verdicts FOR EACH ROW EXECUTE FUNCTION ledger.refuse_odd_verdict();

ALTER TABLE ledger.locks
    DROP CONSTRAINT locks_state_check, DROP CONSTRAINT locks_check, DROP CONSTRAINT locks_check1,
    DROP CONSTRAINT locks_check2, DROP CONSTRAINT locks_deliverer_fkey, DROP CONSTRAINT locks_escrow_fkey,
    DROP CONSTRAINT locks_lock_entry_fkey, DROP CONSTRAINT locks_ending_entry_fkey;

CREATE FUNCTION ledger.refuse_odd_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state NOT IN ('locked', 'released', 'refunded')
        OR (NEW.state = 'locked') <> (NEW.ending_entry IS NULL)
        OR (NEW.lock_entry IS NULL AND NEW.state <> 'refunded')
        OR num_nonnulls(NEW.deliverer, NEW.escrow, NEW.lock_entry) NOT IN (0, 3)
    THEN
        RAISE EXCEPTION 'a lock that is % and ended by entry % is none', NEW.state, NEW.ending_entry
            USING ERRCODE = 'check_violation';
    END IF;
    -- what an update keeps (ends_once) was there when it was written
    IF TG_OP = 'INSERT' AND NEW.lock_entry IS NOT NULL AND (
        (SELECT e.position FROM ledger.entries AS e WHERE e.position = NEW.lock_entry) IS NULL
        OR (SELECT a.id FROM ledger.accounts AS a WHERE a.id = NEW.deliverer) IS NULL
        OR (SELECT a.id FROM ledger.accounts AS a WHERE a.id = NEW.escrow) IS NULL
    ) THEN
        RAISE EXCEPTION 'there is no entry %, or no account % or %', NEW.lock_entry, NEW.deliverer, NEW.escrow
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NEW.ending_entry IS NOT NULL THEN
        PERFORM FROM ledger.entries WHERE position = NEW.ending_entry;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no entry %', NEW.ending_entry USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER well_formed BEFORE INSERT OR UPDATE ON ledger.locks
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_odd_lock();

ALTER TABLE ledger.accounts
    DROP CONSTRAINT accounts_kind_check, DROP CONSTRAINT accounts_check, DROP CONSTRAINT accounts_check1;

CREATE FUNCTION ledger.refuse_odd_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind NOT IN ('party', 'issuance', 'escrow')
        OR (NEW.kind = 'party') <> (NEW.owner IS NOT NULL)
        OR (NEW.kind = 'issuance') <> (NEW.issues IS NOT NULL)
    THEN
        RAISE EXCEPTION 'account % is neither a party''s, nor an issuer, nor an escrow', NEW.name
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER well_formed BEFORE INSERT ON ledger.accounts FOR EACH ROW EXECUTE FUNCTION ledger.refuse_odd_account();

ALTER TABLE ledger.postings
    DROP CONSTRAINT postings_quantity_check, DROP CONSTRAINT postings_entry_fkey,
    DROP CONSTRAINT postings_account_fkey, DROP CONSTRAINT postings_asset_fkey;
ALTER TABLE ledger.balances
    DROP CONSTRAINT balances_account_fkey, DROP CONSTRAINT balances_asset_fkey,
    DROP CONSTRAINT balances_account_issues_fkey;
ALTER TABLE ledger.accounts DROP CONSTRAINT accounts_id_issues_key;

-- The balance is what its postings make it; the first posting finds that account and asset are there.
CREATE OR REPLACE FUNCTION ledger.post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.quantity = 0 THEN
        RAISE EXCEPTION 'a posting moves something' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger.balances AS b SET balance = b.balance + NEW.quantity
    WHERE b.account = NEW.account AND b.asset = NEW.asset
    RETURNING b.balance INTO NEW.balance;
    IF FOUND THEN
        RETURN NEW;
    END IF;
    INSERT INTO ledger.balances AS b (account, asset, issues, balance)
    SELECT a.id, s.code, a.issues, NEW.quantity FROM ledger.accounts AS a, ledger.assets AS s
    WHERE a.id = NEW.account AND s.code = NEW.asset
    RETURNING b.balance INTO NEW.balance;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account % or no asset %', NEW.account, NEW.asset
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;

-- Whatever a statement posts, it posts to entries that are there, and each of them balances.
DROP TRIGGER entry_balances ON ledger.postings;

CREATE OR REPLACE FUNCTION ledger.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    _wrong record;
BEGIN
    SELECT p.entry, p.asset, sum(p.quantity) AS sum INTO _wrong FROM posted AS p GROUP BY p.entry, p.asset
    HAVING sum(p.quantity) <> 0 OR (SELECT e.position FROM ledger.entries AS e WHERE e.position = p.entry) IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF _wrong.sum = 0 THEN
        RAISE EXCEPTION 'there is no entry %', _wrong.entry USING ERRCODE = 'foreign_key_violation';
    END IF;
    RAISE EXCEPTION 'entry % moves % of % out of nowhere', _wrong.entry, _wrong.sum, _wrong.asset
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER entry_balances AFTER INSERT ON ledger.postings REFERENCING NEW TABLE AS posted
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_unbalanced();

-- Rows of two to four thousand bytes stay whole: to compress one takes longer than to write it.
ALTER TABLE ledger.entries SET (toast_tuple_target = 8160);
ALTER TABLE ledger.locks SET (toast_tuple_target = 8160);
ALTER TABLE ledger.verdicts SET (toast_tuple_target = 8160);

-- A balance changes in place, in the page where it is.
ALTER TABLE ledger.balances SET (fillfactor = 50);

-- Functions that are told other things than before, or tell others, are written anew.
DROP FUNCTION IF EXISTS ledger.hold_accounts(text[]), ledger.refuse_account(text, text, text, boolean),
    ledger.refuse_asset(jsonb, text), ledger.refuse_closed_coordinator(jsonb), ledger.refuse_debit(jsonb, text),
    ledger.refuse_superseded(jsonb, jsonb), ledger.refuse_used_id(text, jsonb),
    ledger.write_entry(text, text, text, text, timestamptz, text, jsonb, jsonb);
