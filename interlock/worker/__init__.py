"""Composition root: settings, and which roles run in this process."""
