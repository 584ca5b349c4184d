-- Whether a moment has come (hazard 17): decided here and nowhere else.
CREATE OR REPLACE FUNCTION ledger.past(_moment timestamptz, _now timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT _now >= _moment
$$;
