-- What the ledger holds of what terms and one of their legs name; null what it does not know. Callers' plans take this
-- in, and leave out what they do not ask for.
CREATE OR REPLACE FUNCTION ledger.concerning(_terms jsonb, _leg jsonb)
RETURNS TABLE (
    deliverer ledger.accounts, receiver ledger.accounts, asset ledger.assets, balance numeric,
    attestors ledger.attestor_sets
) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT d, r, u, b.balance, s
    FROM (VALUES (true)) AS always (is_so)
    LEFT JOIN ledger.accounts AS d ON d.name = _leg ->> 'deliverer' AND d.kind = 'party'
    LEFT JOIN ledger.accounts AS r ON r.name = _leg ->> 'receiver' AND r.kind = 'party'
    LEFT JOIN ledger.assets AS u ON u.code = _leg #>> '{asset,code}'
    LEFT JOIN ledger.balances AS b ON b.account = d.id AND b.asset = u.code
    LEFT JOIN ledger.attestor_sets AS s ON s.name = _terms #>> '{coordinator,name}'
        AND s.epoch = (_terms #>> '{coordinator,epoch}')::bigint AND s.digest = _terms #>> '{coordinator,digest}'
$$;
