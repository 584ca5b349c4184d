SELECT name, epoch, cardinality(keys) AS size FROM ledger.attestor_sets
