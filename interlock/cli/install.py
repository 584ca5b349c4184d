"""`interlock install`: make a database a ledger or the audit trail, as its INTERLOCK_INSTALL_* variables say.

DATABASE is a ledger's name, or `audit`. May be repeated: migrates what is there, and never changes what a ledger was
born with.
"""

import argparse

from interlock.attestors.environment import SettingsInvalid
from interlock.cli.context import Context
from interlock.cli.errors import USAGE, CliError
from interlock.stack.identity import AUDIT
from interlock.stack.installation import AuditSettings, LedgerSettings, install_audit, install_ledger


def configure(parser: argparse.ArgumentParser) -> None:
    """DATABASE; everything else comes from the environment."""
    parser.add_argument("database", metavar="DATABASE", help="asset, payment, or audit")


async def run(arguments: argparse.Namespace, context: Context) -> int:
    """Exit 0; 1 for a database that is another ledger's; 2 for wrong settings, all named; 3 if nobody answers."""
    name = arguments.database
    try:
        if name == AUDIT:
            await install_audit(AuditSettings.load())
        else:
            await install_ledger(name, LedgerSettings.load())
    except SettingsInvalid as error:
        raise CliError("invalid_settings", str(error), exit_code=USAGE) from error
    context.output.document({"installed": name})
    context.output.line(f"installed: {name}")
    return 0
