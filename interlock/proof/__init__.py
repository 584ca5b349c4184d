"""The exported evidence's format and its offline check."""
