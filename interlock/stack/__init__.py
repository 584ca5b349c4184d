"""Starts and stops the embedded servers; knows nothing of what is settled on them."""
