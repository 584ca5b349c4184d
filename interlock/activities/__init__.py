"""One verb per method: calls one ledger or coordinator verb, turns faults into ApplicationError."""
