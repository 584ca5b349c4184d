"""Trades that settle, and that fail in every ordinary way, on a stack of the demo's own. Only cli imports it."""
