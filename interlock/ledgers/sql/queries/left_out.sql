SELECT attestor FROM ledger.left_out ORDER BY attestor
