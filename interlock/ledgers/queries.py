"""Loads the `.sql` files, once. Knows no connection."""

from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def folder(name: str) -> Mapping[str, str]:
    """The files of a folder of `sql/`, in the order of their names: name without its ending, and text."""
    files = (resources.files("interlock.ledgers") / "sql" / name).iterdir()
    return {
        file.name.removesuffix(".sql"): file.read_text("utf-8") for file in sorted(files, key=lambda each: each.name)
    }


def query(name: str) -> str:
    """One statement of `sql/queries`."""
    return folder("queries")[name]
