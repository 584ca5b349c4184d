-- Accounts that no lock made were opened one at a time: their numbers grow.
SELECT ordered.name AS key, jsonb_build_object('id', ordered.id) AS stands,
    jsonb_build_object('id', format('more than %s', ordered.before)) AS follows
FROM (
    SELECT a.name, a.id, lag(a.id) OVER (ORDER BY made.position, made.place) AS before FROM (
        SELECT e.position, 0 AS place, e.authority #>> '{order,account}' AS name
        FROM ledger.entries AS e WHERE e.operation = 'open'
        UNION ALL
        SELECT e.position, 0, 'issuance:' || (e.authority #>> '{order,asset,code}')
        FROM ledger.entries AS e WHERE e.operation = 'asset'
        UNION ALL
        SELECT e.position, s.ordinality, 'issuance:' || (s.value ->> 'code') FROM ledger.entries AS e,
            jsonb_array_elements(e.authority -> 'assets') WITH ORDINALITY AS s WHERE e.operation = 'genesis'
    ) AS made JOIN ledger.accounts AS a ON a.name = made.name
) AS ordered WHERE ordered.id <= ordered.before LIMIT 101
