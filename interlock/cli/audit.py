"""`interlock audit`: what happened to a settlement, and the proof of it.

Sub-verbs that look at databases need the server's extra; those that check a proof need nothing but the file.
"""

import argparse
import importlib
from typing import Any

from interlock.cli.context import Context
from interlock.cli.errors import CliError, translated

MODULES: tuple[str, ...] = (
    *("audit_show", "audit_search", "audit_verify"),
    *("audit_export", "audit_check"),
    *("audit_misconduct", "audit_attestors"),
)
"""The modules of the sub-verbs: each has `configure(acts)`; what needs an extra is imported when it is called."""


def configure(parser: argparse.ArgumentParser) -> None:
    """One sub-verb for each thing that is asked of the audit trail."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="VERB")
    for module in MODULES:
        _module(module).configure(acts)


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """What the sub-verb says. Exit 2, naming the extra, where what it needs is not installed."""
    try:
        return int(await arguments.call(arguments, context))
    except ModuleNotFoundError as error:
        known = translated(error)
        if known is None:
            raise
        text = f"`interlock audit {arguments.act}` needs {error.name}: {known.message.partition(': ')[2]}"
        raise CliError(known.code, text, exit_code=known.exit_code) from error


def _module(name: str) -> Any:
    return importlib.import_module(f"interlock.cli.{name}")
