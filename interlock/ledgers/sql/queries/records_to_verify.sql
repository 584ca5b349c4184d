-- How much there is to look at; it is also the first question to a snapshot, which from then on does not move.
SELECT (SELECT count(*) FROM ledger.entries) AS records, (SELECT count(*) FROM ledger.witnessed) AS witnessed,
    (SELECT count(*) FROM ledger.seals) AS seals
