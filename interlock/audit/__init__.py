"""Spans and journal into one evidence trail."""
