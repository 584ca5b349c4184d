"""Moving and remembering value. Knows no Temporal: anybody who holds the evidence may ask."""
