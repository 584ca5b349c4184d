-- What a ledger remembers. Balances, locks and journal keep their own rules (0002), whoever writes.

CREATE DOMAIN ledger.digest AS text CHECK (VALUE ~ '^0x[0-9a-f]{64}$');
CREATE DOMAIN ledger.address AS text CHECK (VALUE ~ '^0x[0-9a-fA-F]{40}$');
CREATE DOMAIN ledger.units AS numeric(78, 0) -- of an asset's smallest unit, signed
    CHECK (abs(VALUE) <= 115792089237316195423570985008687907853269984665640564039457584007913129639935);

-- Which ledger this is. One row, for ever.
CREATE TABLE ledger.identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ledger text NOT NULL,
    network ledger.digest NOT NULL
);

CREATE TABLE ledger.operators (
    address ledger.address PRIMARY KEY
);

CREATE TABLE ledger.attestor_sets (
    name text NOT NULL,
    epoch bigint NOT NULL CHECK (epoch >= 1),
    digest ledger.digest NOT NULL,
    keys text[] NOT NULL,
    quorum integer NOT NULL CHECK (quorum BETWEEN 1 AND cardinality(keys)),
    closed boolean NOT NULL DEFAULT false,
    succeeded_by bigint CHECK (succeeded_by > epoch), -- so a line of successors ends
    PRIMARY KEY (name, epoch),
    FOREIGN KEY (name, succeeded_by) REFERENCES ledger.attestor_sets (name, epoch)
);

CREATE TABLE ledger.assets (
    code text PRIMARY KEY,
    decimals integer NOT NULL CHECK (decimals BETWEEN 0 AND 36)
);

-- A party's account has an owner; an asset's issuance account stands for the units in circulation; every lock has an
-- escrow account of its own, so that no two settlements wait for one row.
CREATE TABLE ledger.accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('party', 'issuance', 'escrow')),
    owner ledger.address,
    issues text UNIQUE REFERENCES ledger.assets (code),
    admitted boolean NOT NULL, -- may it receive?
    frozen boolean NOT NULL DEFAULT false, -- may it not be debited?
    UNIQUE (id, issues),
    CHECK ((kind = 'party') = (owner IS NOT NULL)),
    CHECK ((kind = 'issuance') = (issues IS NOT NULL))
);

CREATE TABLE ledger.balances (
    account bigint NOT NULL REFERENCES ledger.accounts (id),
    asset text NOT NULL REFERENCES ledger.assets (code),
    issues text,
    balance ledger.units NOT NULL,
    PRIMARY KEY (account, asset),
    FOREIGN KEY (account, issues) REFERENCES ledger.accounts (id, issues),
    CONSTRAINT only_the_issuance_account_is_negative CHECK (balance >= 0 OR issues IS NOT DISTINCT FROM asset)
);

-- The journal: one entry for every effect, with what it relied on and who asked.
CREATE TABLE ledger.entries (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference uuid NOT NULL UNIQUE DEFAULT uuidv7(),
    operation text NOT NULL CHECK (operation IN ('genesis', 'lock', 'release', 'refund', 'pay', 'void', 'resume',
        'open', 'mint', 'admit', 'expel', 'freeze', 'unfreeze', 'asset', 'attestors', 'close')),
    terms_hash ledger.digest,
    settlement_id text,
    order_digest ledger.digest UNIQUE,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    authority jsonb NOT NULL,
    actor text NOT NULL,
    trace_id text NOT NULL CHECK (trace_id ~ '^[0-9a-f]{32}$'),
    span_id text NOT NULL CHECK (span_id ~ '^[0-9a-f]{16}$'),
    CHECK ((operation IN ('lock', 'release', 'refund', 'pay', 'void', 'resume')) = (terms_hash IS NOT NULL)),
    CHECK ((operation IN ('genesis', 'lock', 'release', 'refund', 'pay', 'void')) = (order_digest IS NULL))
);

CREATE UNIQUE INDEX one_effect_of_each ON ledger.entries (terms_hash, operation) WHERE operation <> 'resume';

CREATE TABLE ledger.postings (
    entry bigint NOT NULL REFERENCES ledger.entries (position),
    account bigint NOT NULL REFERENCES ledger.accounts (id),
    asset text NOT NULL REFERENCES ledger.assets (code),
    quantity ledger.units NOT NULL CHECK (quantity <> 0),
    balance ledger.units NOT NULL, -- after it
    PRIMARY KEY (entry, account, asset)
);

CREATE INDEX postings_of_an_account ON ledger.postings (account, entry);

-- The asset role's row for terms. A tombstone has no lock entry, no deliverer and no escrow, and never will.
CREATE TABLE ledger.locks (
    terms_hash ledger.digest PRIMARY KEY,
    settlement_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('locked', 'released', 'refunded')),
    signed jsonb NOT NULL,
    deliverer bigint REFERENCES ledger.accounts (id),
    escrow bigint UNIQUE REFERENCES ledger.accounts (id),
    lock_entry bigint UNIQUE REFERENCES ledger.entries (position),
    ending_entry bigint UNIQUE REFERENCES ledger.entries (position),
    CHECK ((state = 'locked') = (ending_entry IS NULL)),
    CHECK (lock_entry IS NOT NULL OR state = 'refunded'),
    CHECK (num_nonnulls(deliverer, escrow, lock_entry) IN (0, 3))
);

CREATE UNIQUE INDEX one_id_moves_units_once ON ledger.locks (deliverer, settlement_id) WHERE lock_entry IS NOT NULL;
CREATE INDEX open_locks ON ledger.locks (lock_entry) WHERE state = 'locked';
CREATE INDEX locks_of_a_settlement ON ledger.locks (settlement_id);

-- The payment role's row for terms: the commit point of the whole settlement.
CREATE TABLE ledger.verdicts (
    terms_hash ledger.digest PRIMARY KEY,
    settlement_id text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('PAID', 'VOIDED')),
    authority text NOT NULL CHECK (authority IN ('certificate', 'consent', 'time', 'operators')),
    signed jsonb NOT NULL,
    entry bigint NOT NULL UNIQUE REFERENCES ledger.entries (position),
    CHECK ((verdict = 'PAID') = (authority = 'certificate'))
);

CREATE INDEX verdicts_of_a_settlement ON ledger.verdicts (settlement_id);
