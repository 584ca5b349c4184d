"""Reads what the options of `audit search` say; what makes no sense is a usage error that names the option."""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from interlock.cli.context import Context
from interlock.cli.errors import UsageError

LIMIT, MOST = 50, 1000
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
T = TypeVar("T")


def read(field: str, text: str | None, reading: Callable[[str], T]) -> T | None:
    """What an option says; a usage error that names it and says why not."""
    if text is None:
        return None
    try:
        return reading(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--{field} {text}: {error}", field) from error


def times(arguments: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    """The time that is asked for: from the first moment on, before the second."""
    from interlock.audit.searching import day_of

    if arguments.day is not None:
        if arguments.since is not None or arguments.until is not None:
            raise UsageError("--day is a time already: give it without --since and --until", "day")
        found = read("day", arguments.day, day_of)
        assert found is not None  # noqa: S101 - there was a day to read
        return found
    since, until = read("since", arguments.since, _moment), read("until", arguments.until, _moment)
    if since is not None and until is not None and since >= until:
        raise UsageError("--until is not after --since: nothing is between them", "until")
    return since, until


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time is written as 2026-11-24 or 2026-11-24T09:30:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not FIRST <= moment < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError("a time lies between the years 2000 and 2200")
    return moment


def a_limit(text: str) -> int:
    """How many at most. Raises ValueError for what is no such number."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST and len(text) <= 9):
        raise ValueError(f"a number from 1 to {MOST}")
    return int(text)


def a_party(context: Context, text: str) -> str:
    """The address of a party. Raises ValueError for what names none."""
    from interlock.client.keystore import KeystoreError

    try:
        return context.keystore.resolve(text)
    except KeystoreError as error:
        raise ValueError(str(error)) from error


def a_duration(text: str) -> timedelta:
    """A duration with its unit. Raises ValueError for what is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a number and ms, s, m, h or d: 500ms, 30s, 10m, 2h, 1d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > 100 * 365 * _UNITS["d"]:
        raise ValueError("a duration is at most a hundred years")
    return timedelta(seconds=seconds)


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """Reads one of these words."""

    def known_one(text: str) -> str:
        if text not in known:
            raise ValueError(f"it is one of {', '.join(known)}")
        return text

    return known_one


def matching(kind: Any) -> Callable[[str], str]:
    """Reads a word of the protocol."""

    def read(text: str) -> str:
        from pydantic import TypeAdapter, ValidationError

        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["msg"])) from error

    return read


def counted(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
