"""`interlock worker`: run a worker with the roles that its settings name, until it is told to stop."""

import argparse

from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.worker.main import run as work


def configure(_: argparse.ArgumentParser) -> None:
    """Everything comes from the environment."""


def run(_: argparse.Namespace, __: Context) -> int:
    """The worker's own exit code: 0 when told to stop, 2 for wrong settings, all named."""
    if code := work():
        raise CliError("not_started", "the worker did not start, for the reason above", exit_code=code)
    return 0
