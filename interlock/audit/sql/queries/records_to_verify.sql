-- How much there is to look at; it is also the first question to a snapshot, which from then on does not move.
SELECT (SELECT count(*) FROM audit.spans) AS records, (SELECT count(*) FROM audit.witnessed) AS witnessed,
    (SELECT count(*) FROM audit.seals) AS seals
