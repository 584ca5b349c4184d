-- Blocks by what they witness: a proof of one settlement shows where else its seals stand (docs/proof-format.md).
CREATE INDEX seals_by_witnessed ON audit.seals (((seal ->> 'witnessed')::bigint), number);
