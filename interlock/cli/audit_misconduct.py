"""`audit misconduct FILE`: check the proof that an attestor contradicted itself. Needs nothing but the file.

FILE is one JSON document, {"network", "first", "second"}: two statements, each with its signature. Proven is that one
key signed both, for that network, and that nobody honest does. Whose key it is, and whether it counts anywhere, is not
asked.
"""

import argparse
from pathlib import Path
from typing import Any

from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.protocol import Misconduct, MisconductUnproven, Statement


def configure(acts: Any) -> None:
    """Add `misconduct`."""
    parser = acts.add_parser("misconduct", help="check the proof of an attestor's misconduct", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="the proof, as JSON")
    parser.add_argument("--network", metavar="ID", help="the network that it must be about")
    parser.set_defaults(call=_check)


def read_proof(file: str) -> Misconduct:
    """The proof in a file; whether it proves anything, `verify` says. Raises OSError, and ValueError for no proof."""
    return Misconduct.model_validate_json(Path(file).read_text(encoding="utf-8"))


async def _check(arguments: argparse.Namespace, context: Context) -> int:
    misconduct = read_proof(arguments.file)
    try:
        misconduct.verify(arguments.network.lower() if arguments.network else misconduct.network)
    except MisconductUnproven as error:
        raise CliError("misconduct_unproven", f"this proves no misconduct: {error}") from error
    context.output.document(described(misconduct) | {"proven": True})
    output = context.output
    output.line(f"PROVEN: attestor {misconduct.attestor} contradicted itself", "bold")
    for signed in (misconduct.first, misconduct.second):
        output.line(f"  it signed  {signed.statement.said}, {_set(signed.statement)}")
    output.line(f"  of terms   {misconduct.terms_hash}")
    output.line(f"  on network {misconduct.network}")
    output.line(f"  digest     {misconduct.digest}")
    output.line("Not proven here: that the key is an attestor's of yours. Compare its address with your attestor set.")
    return DONE


def described(misconduct: Misconduct) -> dict[str, Any]:
    """A misconduct as documents have it."""
    return {
        "attestor": misconduct.attestor,
        "terms_hash": misconduct.terms_hash,
        "network": misconduct.network,
        "digest": misconduct.digest,
        "statements": [each.statement.model_dump(mode="json") for each in (misconduct.first, misconduct.second)],
    }


def _set(statement: Statement) -> str:
    return f"for attestor set {statement.coordinator.name}/{statement.coordinator.epoch}"
