"""One sequence of bytes for one JSON value: RFC 8785 (JSON Canonicalization Scheme), without its rule for numbers.

RFC 8785 writes numbers as IEEE 754 doubles. No record of ours needs a double, and some hold integers that no double can
hold, so a number is written in one of two ways: an integer of magnitude below 2^53 as RFC 8785 has it, any other number
as the object {"number": its text}. An object with a name that is not ASCII, which no ledger of ours writes, is
{"members": [[name, value], ...]}, sorted by code points. What stays is plain RFC 8785, which every library writes
alike.
"""

import json
from typing import Any

LARGEST_EXACT = 2**53 - 1
"""The largest integer that every reader of JSON holds exactly (RFC 7493, I-JSON)."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a value made of dicts, lists, strings, booleans, None and integers.

    Keys must be ASCII, so that their order is the same by code points and by UTF-16 units. Raises ValueError for
    anything that has no canonical form here: floats, integers of 2^53 and more, half a surrogate pair.
    """
    _require_canonical(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def exactly(text: str) -> Any:
    """A JSON text as a value that has canonical bytes; nothing of any number is lost."""
    return json.loads(
        text,
        parse_int=_integer,
        parse_float=_other_number,
        parse_constant=_other_number,
        object_pairs_hook=_object,
    )


def _integer(text: str) -> Any:
    number = int(text) if len(text) < 18 else LARGEST_EXACT + 1
    return number if abs(number) <= LARGEST_EXACT else _other_number(text)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if all(name.isascii() for name, _ in members):
        return dict(members)
    return {"members": [list(member) for member in sorted(dict(members).items())]}


def _other_number(text: str) -> dict[str, str]:
    return {"number": text}


def _require_canonical(value: Any) -> None:
    if value is None or value is True or value is False or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST_EXACT:
            raise ValueError(f"{value} is no integer that every reader of JSON holds exactly")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not (isinstance(name, str) and name.isascii()):
                raise ValueError(f"the name {name!r} is not ASCII")
            _require_canonical(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _require_canonical(inner)
    else:
        raise ValueError(f"{type(value).__name__} has no canonical form")
