"""The scenarios that show a settlement end every ordinary way, with faults made from outside."""
