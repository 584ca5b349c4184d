"""Writes the JSON Schema of proofs into docs/proof.schema.json, from the models alone; `make docs` runs it."""

import json
from pathlib import Path

from interlock.proof.format import Proof

DOCUMENT = Path("docs/proof.schema.json")


def schema() -> str:
    """The schema, as the file has it."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Proof.model_json_schema(mode="serialization"),
        "title": "Interlock proof, version 1",
    }
    return json.dumps(made, indent=1) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(schema(), encoding="utf-8")
