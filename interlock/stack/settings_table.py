"""Writes every setting of every process into docs/deploy.md, between its markers; `make docs` runs it.

What it writes comes from the settings models alone; a setting without a sentence about it is refused.
"""

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from interlock.attestors.environment import PREFIX, Environment
from interlock.attestors.settings import AttestorSettings
from interlock.stack.installation import AuditSettings, LedgerSettings
from interlock.worker.settings import NEEDED_BY, USED_BY, WorkerSettings

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
DOCUMENT = Path("docs/deploy.md")


class InstallSettings(LedgerSettings, AuditSettings):
    """What either kind of database may be installed with."""


_PROCESSES: dict[str, type[Environment]] = {
    "interlock worker": WorkerSettings,
    "interlock attestor": AttestorSettings,
    "interlock install": InstallSettings,
}


def table() -> str:
    """Every setting, process by process, as Markdown."""
    parts = []
    for process, settings in _PROCESSES.items():
        parts += [f"### `{process}`", "", "| variable | needed | default | what it says |", "|---|---|---|---|"]
        parts += [*_rows(settings), ""]
    return "\n".join(["", *parts])


def written(document: str) -> str:
    """The document with the table as it is now. Raises ValueError if it has no markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def _rows(settings: type[Environment]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        if not field.description:
            raise ValueError(f"{settings.__name__}.{name} has no sentence about it")
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else PREFIX + name.upper()
        text = " ".join(field.description.split()) + _range(field)
        yield f"| `{variable}` | {_needed(settings, name, field)} | {_default(field)} | {text} |"


def _needed(settings: type[Environment], name: str, field: FieldInfo) -> str:
    if settings is WorkerSettings and name in NEEDED_BY:
        return "by " + ", ".join(role.value for role in NEEDED_BY[name])
    if settings is WorkerSettings and name in USED_BY:
        return "no; used by " + ", ".join(role.value for role in USED_BY[name])
    return "yes" if field.is_required() else "no"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or value is None or value in ((), {}):
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _range(field: FieldInfo) -> str:
    limits = {kind: getattr(each, kind) for each in field.metadata for kind in ("ge", "le") if hasattr(each, kind)}
    unit = "" if not limits else f" {limits['ge']} to {limits['le']}."
    kinds = typing.get_args(field.annotation) if isinstance(field.annotation, types.UnionType) else (field.annotation,)
    return unit + (" JSON." if any("Json" in repr(each) for each in (*kinds, *field.metadata)) else "")


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENT
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
