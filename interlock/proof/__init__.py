"""The exported evidence of one settlement, and its check by whoever holds the public keys."""
