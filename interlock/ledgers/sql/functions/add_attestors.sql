-- An attestor set as the protocol words it, with the digest by which terms name it.
CREATE OR REPLACE FUNCTION ledger.add_attestors(_set jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ledger.attestor_sets (name, epoch, digest, keys, quorum)
    VALUES (_set ->> 'name', (_set ->> 'epoch')::bigint, _set ->> 'digest',
        ARRAY(SELECT jsonb_array_elements_text(_set -> 'keys')), (_set ->> 'quorum')::integer)
$$;
