-- Whether an attestor is left out from now on, and the entry that says so.
CREATE OR REPLACE FUNCTION ledger.note_accused(_attestor text, _left_out boolean, _entry bigint) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger.accused (attestor, left_out, entry) VALUES (_attestor, _left_out, _entry)
    ON CONFLICT (attestor) DO UPDATE SET left_out = excluded.left_out, entry = excluded.entry
$$;
