-- What is kept here of one journal's seals, in the order of that journal. Times as text: any can be read.
SELECT id, coalesce(number, 0) AS number, digest, coalesce(seal, 'null') AS seal, coalesce(signature, 'null') AS signature,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at
FROM audit.witnessed WHERE journal = $1 ORDER BY 2, id
