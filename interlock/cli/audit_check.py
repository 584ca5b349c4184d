"""`audit check FILE`: what a settlement's proof proves, and what it does not. Reads the file and the keys only.

Needs no server and no network. The keys that count come from --trust, else from the data folder's client.json, else
from INTERLOCK_NETWORK and INTERLOCK_KEEPERS; never from the file that is checked.
"""

# ruff: noqa: PLC0415 - a verb pays only for what it uses

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.context import Context
from interlock.cli.errors import DONE, REFUSED, USAGE, CliError

if TYPE_CHECKING:
    from interlock.proof.report import Report
    from interlock.proof.trust import Trust

_MARKS = {"proven": ("✓", "green"), "not_proven": ("-", "yellow"), "untrue": ("✗", "bold red")}
_VERDICTS = {"proven": "bold green", "incomplete": "bold yellow", "rejected": "bold red"}


def configure(acts: Any) -> None:
    """Add `check`."""
    parser = acts.add_parser("check", help="what a proof file proves, offline", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="what `audit export` wrote")
    parser.add_argument("--trust", metavar="FILE", help='{"network", "keepers"}, or a client.json: whose seals count')
    parser.set_defaults(call=_check)


async def _check(arguments: argparse.Namespace, context: Context) -> int:
    from interlock.proof.check import check
    from interlock.proof.report import Verdict

    trust = _trust(Path(arguments.trust)) if arguments.trust is not None else context.trust
    report = check(_bytes(Path(arguments.file), "file"), trust)
    context.output.document({"reason": report.reason, **report.model_dump(mode="json")})
    _show(context, arguments.file, report)
    return DONE if report.verdict is Verdict.PROVEN else REFUSED


def _trust(path: Path) -> "Trust":
    """The keys in a file of their own, or in a client.json, whose other members are not about keys."""
    from interlock.proof.trust import Trust

    try:
        document = json.loads(_bytes(path, "trust"))
        if isinstance(document, dict) and "namespace" in document:
            document = {name: document[name] for name in ("network", "keepers") if name in document}
        return Trust.model_validate_json(json.dumps(document))
    except ValueError as error:
        raise CliError("invalid_file", f"{path} names no keys: {_first(error)}", "trust", USAGE) from error


def _bytes(path: Path, field: str) -> bytes:
    from interlock.proof.format import BYTES_AT_MOST

    try:
        with path.open("rb") as file:
            return file.read(BYTES_AT_MOST + 1)
    except OSError as error:
        raise CliError("file", f"{path} cannot be read: {error.strerror or error}", field, USAGE) from error


def _first(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}".lstrip(": ")


def _show(context: Context, file: str, report: "Report") -> None:
    from interlock.proof.check import NOT_LOOKED_AT

    context.output.line(f"{report.settlement_id or file}  {report.outcome or ''}".rstrip(), "bold")
    for claim in report.claims:
        if claim.why == NOT_LOOKED_AT:
            break
        mark, style = _MARKS[claim.state]
        context.output.line(f"  {mark} {claim.name:<10} {claim.text}", style)
        if claim.why:
            context.output.line(f"    {'':<10} {claim.why}", style if claim.state == "untrue" else "")
    context.output.line(f"{report.verdict}{': ' + report.reason if report.reason else ''}", _VERDICTS[report.verdict])
