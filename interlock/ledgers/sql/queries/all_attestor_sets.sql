SELECT name, epoch, keys, quorum, closed, succeeded_by FROM ledger.attestor_sets
