SELECT ledger.settled_position()
