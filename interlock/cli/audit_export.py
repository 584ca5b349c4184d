"""`audit export ID`: one settlement's evidence as one file, that anybody who knows the keys can check without us.

ID is a settlement id or a terms hash. Waits for what has just happened to be sealed. Checks the file before it is
written, and writes it whole or not at all. Changes nothing else.
"""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
import asyncio
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError, UsageError

if TYPE_CHECKING:
    from interlock.audit.exporting import Exporter
    from interlock.proof.report import Report
    from interlock.proof.trust import Trust

WAIT_SECONDS = 30.0
"""How long sealing may take: a block is made every 5 s, and a trace is written within seconds of its end."""

LOOK_EVERY_SECONDS = 0.5
STDOUT = "-"


def configure(acts: Any) -> None:
    """Add `export`."""
    parser = acts.add_parser("export", help="a settlement's proof, as one file", description=__doc__)
    parser.add_argument("id", metavar="ID", help="a settlement id or a terms hash")
    parser.add_argument("--terms", metavar="HASH", help="which terms, where the id stands for several")
    parser.add_argument("--out", "-o", metavar="FILE", help="where to (default: ID.proof.json; - is stdout)")
    parser.add_argument("--partial", action="store_true", help="write what is provable now, the settlement being open")
    text = f"how long to wait for seals and spans (default {WAIT_SECONDS:g})"
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=WAIT_SECONDS, help=text)
    parser.set_defaults(call=_export)


async def _export(arguments: argparse.Namespace, context: Context) -> int:
    from interlock.audit.exporting import Exporter, NothingToProve, PassedOver
    from interlock.audit.reader import SpanReader
    from interlock.cli.audit_show import terms_hash_of, write_whole

    if not (math.isfinite(arguments.wait) and arguments.wait >= 0):
        raise UsageError("--wait is a number of seconds", "wait")
    if arguments.out == STDOUT and context.as_json:
        raise UsageError("--json and --out - both want stdout: name a file", "out")
    trust = context.trust
    if trust is None:
        raise CliError("not_configured", "set INTERLOCK_KEEPERS and INTERLOCK_NETWORK: whose seals count", "keepers")
    async with context.journals() as journals:
        terms_hash = await terms_hash_of(arguments, SpanReader(journals["audit"].connections), journals)
        exporter = Exporter(journals, trust.network, trust.keepers)
        try:
            data, report = await _provable(arguments, context, exporter, terms_hash, trust)
        except NothingToProve as error:
            text = f"{error}: it ended with nothing moved and nothing written, which no file can prove"
            raise CliError("nothing_to_prove", text, "id") from error
        except PassedOver as error:
            raise CliError("not_sealed", f"{error}; ask `interlock audit verify`", "id") from error
        except ValueError as error:
            text = f"a row cannot be understood: {' '.join(str(error).split())}; ask `interlock audit verify`"
            raise CliError("not_proven", text, "id") from error
    if arguments.out == STDOUT:
        sys.stdout.write(data.decode())
        sys.stdout.flush()
        return DONE
    out = arguments.out or f"{report.settlement_id}.proof.json"
    write_whole(Path(out), data.decode(), "out")
    context.output.document({"file": out, "bytes": len(data), **report.model_dump(mode="json")})
    context.output.line(f"{report.settlement_id}  {report.outcome or 'open'}: written to {out}, {len(data):,} bytes")
    for claim in report.claims:
        if claim.why and claim.name != "whole":  # which no file proves
            context.output.note(f"not proven: {claim.text}: {claim.why}")
    return DONE


async def _provable(
    arguments: argparse.Namespace, context: Context, exporter: "Exporter", terms_hash: str, trust: "Trust"
) -> "tuple[bytes, Report]":
    """The file and what it proves, once it proves all that it should, or as it is with --partial."""
    from interlock.proof.check import check
    from interlock.proof.format import written
    from interlock.proof.report import Verdict

    loop = asyncio.get_running_loop()
    until, told = loop.time() + arguments.wait, False
    while True:
        data = written(await exporter.export(terms_hash))
        report = check(data, trust)
        if report.verdict is Verdict.REJECTED:
            text = f"what the journals hold does not prove it: {report.reason}; ask `interlock audit verify`"
            raise CliError("not_proven", text, "id")
        if report.verdict is Verdict.PROVEN:
            return data, report
        if report.outcome is None and not arguments.partial:
            text = f"{report.claim('outcome').why}; --partial exports what is provable now"
            raise CliError("still_open", text, "id")
        if loop.time() >= until:
            break
        if not told:
            context.output.note(f"waiting up to {arguments.wait:g} s: {report.reason}")
            told = True
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    if arguments.partial:
        return data, report
    text = f"{report.reason}; try again once its keeper has sealed it, or export what is provable with --partial"
    raise CliError("not_yet_provable", text, "id")
