"""Read a ledger, sign what it says; collect a quorum of those that did. Never writes to a ledger."""
