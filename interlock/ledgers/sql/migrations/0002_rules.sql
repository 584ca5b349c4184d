-- Rules that hold whoever writes, the owner too: nothing said is unsaid, every entry balances, escrow only goes on.

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger.% is append-only, % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
    _table text;
BEGIN
    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets', 'entries', 'postings', 'verdicts'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger.%I '
            'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', _table);
    END LOOP;
    FOREACH _table IN ARRAY ARRAY['attestor_sets', 'accounts', 'balances', 'locks'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE DELETE ON ledger.%I '
            'FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', _table);
    END LOOP;
    FOREACH _table IN ARRAY ARRAY['identity', 'operators', 'assets', 'entries', 'postings', 'verdicts',
        'attestor_sets', 'accounts', 'balances', 'locks'] LOOP
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON ledger.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', _table);
    END LOOP;
END $$;

-- The balance is what its postings make it. Account rows are locked before, in one order, so this cannot deadlock.
CREATE FUNCTION ledger.post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.balances AS b SET balance = b.balance + NEW.quantity
    WHERE b.account = NEW.account AND b.asset = NEW.asset
    RETURNING b.balance INTO NEW.balance;
    IF NOT FOUND THEN
        INSERT INTO ledger.balances AS b (account, asset, issues, balance)
        SELECT a.id, NEW.asset, a.issues, NEW.quantity FROM ledger.accounts AS a WHERE a.id = NEW.account
        RETURNING b.balance INTO NEW.balance;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER moves_the_balance BEFORE INSERT ON ledger.postings FOR EACH ROW EXECUTE FUNCTION ledger.post();

CREATE FUNCTION ledger.refuse_unless_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'a balance changes by a posting only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER by_posting_only BEFORE INSERT OR UPDATE ON ledger.balances
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unless_posted();

CREATE FUNCTION ledger.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    _sum numeric;
BEGIN
    SELECT sum(quantity) INTO _sum FROM ledger.postings WHERE entry = NEW.entry AND asset = NEW.asset;
    IF _sum <> 0 THEN
        RAISE EXCEPTION 'entry % moves % of % out of nowhere', NEW.entry, _sum, NEW.asset
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON ledger.postings DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced();

-- locked -> released | refunded, once; everything else about a lock stays as it was written.
CREATE FUNCTION ledger.refuse_other_ending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'locked' OR NEW.state = 'locked'
        OR (NEW.terms_hash, NEW.settlement_id, NEW.signed, NEW.deliverer, NEW.escrow, NEW.lock_entry)
            IS DISTINCT FROM (OLD.terms_hash, OLD.settlement_id, OLD.signed, OLD.deliverer, OLD.escrow, OLD.lock_entry)
    THEN
        RAISE EXCEPTION 'a lock only goes from locked to released or refunded' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ends_once BEFORE UPDATE ON ledger.locks FOR EACH ROW EXECUTE FUNCTION ledger.refuse_other_ending();

CREATE FUNCTION ledger.refuse_other_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.name, NEW.kind, NEW.owner, NEW.issues)
        IS DISTINCT FROM (OLD.id, OLD.name, OLD.kind, OLD.owner, OLD.issues)
    THEN
        RAISE EXCEPTION 'of an account only admission and freeze change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER stays_whose_it_is BEFORE UPDATE ON ledger.accounts
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_other_account();

CREATE FUNCTION ledger.refuse_other_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.name, NEW.epoch, NEW.digest, NEW.keys, NEW.quorum)
        IS DISTINCT FROM (OLD.name, OLD.epoch, OLD.digest, OLD.keys, OLD.quorum)
        OR (OLD.closed AND NOT NEW.closed)
        OR (OLD.succeeded_by IS NOT NULL AND NEW.succeeded_by IS DISTINCT FROM OLD.succeeded_by)
    THEN
        RAISE EXCEPTION 'an attestor set is only closed or succeeded, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER closes_once BEFORE UPDATE ON ledger.attestor_sets
FOR EACH ROW EXECUTE FUNCTION ledger.refuse_other_set();
