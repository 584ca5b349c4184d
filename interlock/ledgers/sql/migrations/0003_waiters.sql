-- Who waits for an account to change: terms that both parties signed, whose lock, payment or release was refused for
-- want of balance, for a freeze or for a missing admission. It moves nothing and proves nothing: it only says whom to
-- wake, so it is the one table that may lose rows.

CREATE TABLE ledger.waiters (
    terms_hash ledger.digest PRIMARY KEY,
    ticket bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- another at every refusal
    settlement_id text NOT NULL,
    seller ledger.address NOT NULL,
    buyer ledger.address NOT NULL,
    account bigint NOT NULL REFERENCES ledger.accounts (id),
    cause text NOT NULL CHECK (cause IN ('insufficient_balance', 'account_frozen', 'not_admitted')),
    asset text REFERENCES ledger.assets (code),
    needed ledger.units,
    settle_by timestamptz, -- null where none counts: after PAID
    since timestamptz NOT NULL, -- its first refusal
    woken_at timestamptz, -- null: not since it was refused last
    CHECK ((cause = 'insufficient_balance') = (asset IS NOT NULL)),
    CHECK ((cause = 'insufficient_balance') = (needed IS NOT NULL))
);

CREATE INDEX waiters_for_an_account ON ledger.waiters (account, cause, asset, needed) WHERE woken_at IS NULL;
