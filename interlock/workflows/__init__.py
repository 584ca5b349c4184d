"""The order of steps, and which step follows which answer."""
