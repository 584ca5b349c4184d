"""Spans into one evidence trail, and out of it again."""
