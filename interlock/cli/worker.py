"""`interlock worker`: run a worker with the roles that its INTERLOCK_* variables name, until it is told to stop."""

import argparse

from interlock.cli.context import Context
from interlock.cli.errors import USAGE, CliError
from interlock.worker.main import run as work
from interlock.worker.settings import SettingsInvalid, WorkerSettings


def configure(_: argparse.ArgumentParser) -> None:
    """Everything comes from the environment."""


def run(_: argparse.Namespace, __: Context) -> int:
    """Exit 0 when told to stop; 2 for wrong settings, all named; 1 for a ledger that cannot be used."""
    try:
        WorkerSettings.load()
    except SettingsInvalid as error:
        raise CliError("invalid_settings", str(error), exit_code=USAGE) from error
    if code := work():
        raise CliError("not_started", "the worker did not start, for the reason above", exit_code=code)
    return 0
