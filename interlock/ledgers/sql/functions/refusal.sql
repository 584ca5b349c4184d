-- A refusal: its code, and the facts that its sentence is made of.
CREATE OR REPLACE FUNCTION ledger.refusal(_code text, VARIADIC _facts text[] DEFAULT '{}') RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('kind', 'refusal', 'code', _code, 'facts', jsonb_object(_facts))
$$;
