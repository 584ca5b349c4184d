SELECT attestor, left_out, entry FROM ledger.accused ORDER BY attestor
