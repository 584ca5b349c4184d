-- Every entry's postings sum to zero, per asset.
WITH sums AS (
    SELECT entry, asset, sum(quantity) AS moved FROM ledger.postings GROUP BY entry, asset
)
SELECT (SELECT count(*) FROM sums) AS checked, ARRAY(
    SELECT format('entry %s moves %s of %s out of nowhere', entry, moved, asset) FROM sums WHERE moved <> 0
    ORDER BY entry LIMIT 100
) AS violations
