"""`interlock attestor`: run one attestor, as its INTERLOCK_* variables say, until it is told to stop.

`interlock attestor new` makes one first: a key and an empty file of votes, where INTERLOCK_ATTESTOR_KEY_FILE and
INTERLOCK_ATTESTOR_VOTES say. It prints the address, which goes into the attestor set; the key stays where it is.
"""

import argparse
import asyncio
import os
from pathlib import Path

from interlock.attestors.birth import give_birth
from interlock.attestors.main import run as attest
from interlock.attestors.settings import AttestorSettings, SettingsInvalid
from interlock.cli.context import Context
from interlock.cli.errors import USAGE, CliError


def configure(parser: argparse.ArgumentParser) -> None:
    """`attestor`, `attestor new`; everything else comes from the environment."""
    parser.add_argument("act", nargs="?", choices=["new"], help="make a new attestor instead of running one")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0 when told to stop; 2 for wrong settings, all named; 1 for lost votes or an address that is taken."""
    if arguments.act == "new":
        return _new(context)
    try:
        AttestorSettings.load()
    except SettingsInvalid as error:
        raise CliError("invalid_settings", str(error), exit_code=USAGE) from error
    if code := attest():
        raise CliError("not_started", "the attestor did not start, for the reason above", exit_code=code)
    return 0


def _new(context: Context) -> int:
    names = ("INTERLOCK_ATTESTOR_KEY_FILE", "INTERLOCK_ATTESTOR_VOTES")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise CliError("invalid_settings", f"missing: {', '.join(missing)}", exit_code=USAGE)
    key, votes = (Path(os.environ[name]) for name in names)
    try:
        address = asyncio.run(give_birth(key, votes))
    except FileExistsError as error:
        raise CliError("attestor_exists", str(error)) from error
    context.output.document({"address": address})
    context.output.line(address)
    return 0
