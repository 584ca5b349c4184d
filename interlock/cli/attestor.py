"""`interlock attestor`: run one attestor, as its INTERLOCK_* variables say, until it is told to stop."""

import argparse

from interlock.attestors.main import run as attest
from interlock.attestors.settings import AttestorSettings, SettingsInvalid
from interlock.cli.context import Context
from interlock.cli.errors import USAGE, CliError


def configure(_: argparse.ArgumentParser) -> None:
    """Everything comes from the environment."""


def run(_: argparse.Namespace, __: Context) -> int:
    """Exit 0 when told to stop; 2 for wrong settings, all named; 1 for lost votes or an address that is taken."""
    try:
        AttestorSettings.load()
    except SettingsInvalid as error:
        raise CliError("invalid_settings", str(error), exit_code=USAGE) from error
    if code := attest():
        raise CliError("not_started", "the attestor did not start, for the reason above", exit_code=code)
    return 0
