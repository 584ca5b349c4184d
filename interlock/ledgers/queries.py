"""Loads a room's `.sql` files, once. Knows no connection."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

LEDGERS = "interlock.ledgers"


@cache
def folder(name: str, room: str = LEDGERS) -> Mapping[str, str]:
    """The files of a folder of a room's `sql/`, in the order of their names: name without its ending, and text."""
    directory = resources.files(room) / "sql" / name
    files = sorted(directory.iterdir(), key=lambda each: each.name) if directory.is_dir() else []
    return {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files}


def query(name: str, room: str = LEDGERS) -> str:
    """One statement of a room's `sql/queries`."""
    return folder("queries", room)[name]
