"""Measures settlements beside what else could carry them out, on one machine and the same servers; `make bench`.

Drives the product through its public surfaces only: the embedded stack, worker processes and their settings, the SDK.
"""
