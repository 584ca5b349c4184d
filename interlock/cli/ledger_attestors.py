"""`ledger accuse` and `ledger attestors list`: who is left out of quorums for misconduct, and on what proof.

Anybody who holds a proof may accuse; the ledger verifies it. Only two operators re-admit (`ledger readmit`).
"""

import argparse
from typing import TYPE_CHECKING, Any

from interlock.cli.audit_misconduct import read_proof
from interlock.cli.context import Context
from interlock.cli.errors import DONE, CliError
from interlock.cli.operators import attempt
from interlock.protocol import Misconduct, Receipt

if TYPE_CHECKING:
    from interlock.ledgers.postgres import PostgresLedger


def configure(acts: Any) -> None:
    """Add `accuse`."""
    text = "leave an attestor out of every quorum, on the proof of its misconduct"
    parser = acts.add_parser("accuse", help=text, description=__doc__)
    parser.add_argument("file", metavar="FILE", help="the proof, as JSON: {network, first, second}")
    parser.add_argument("ledger", metavar="LEDGER", nargs="?", help="asset or payment; both unless given")
    parser.set_defaults(call=_accuse)


def add_list(kinds: Any) -> None:
    """Add `list` to `attestors`."""
    parser = kinds.add_parser("list", help="the attestor sets, and who is left out", description=__doc__)
    parser.add_argument("ledger", metavar="LEDGER", nargs="?", help="asset or payment; both unless given")
    parser.set_defaults(call=_list)


async def accuse(ledger: "PostgresLedger", misconduct: Misconduct) -> Receipt:
    """Send one proof to one ledger; its refusal is a CliError."""
    answer = await ledger.accuse(misconduct, attempt())
    if not isinstance(answer, Receipt):
        raise CliError(answer.code.value, answer.text, answer.field)
    return answer


async def _accuse(arguments: argparse.Namespace, context: Context) -> int:
    misconduct = read_proof(arguments.file)
    receipts = []
    for name in (arguments.ledger,) if arguments.ledger else context.ledger_names():
        async with context.ledger(name, write=True) as ledger:
            receipts.append(await accuse(ledger, misconduct))
            left_out = misconduct.attestor in await ledger.left_out()
        word = "is left out" if left_out else "was re-admitted since, and stays so,"
        context.output.line(f"attestor {misconduct.attestor} {word} on ledger {name}: entry {receipts[-1].position}")
    context.output.document({"receipts": [receipt.model_dump(mode="json") for receipt in receipts]})
    return DONE


async def _list(arguments: argparse.Namespace, context: Context) -> int:
    from interlock.ledgers.overview import attestor_sets, left_out_since  # noqa: PLC0415 - orders do not pay for it

    sets: list[dict[str, Any]] = []
    for name in (arguments.ledger,) if arguments.ledger else context.ledger_names():
        async with context.ledger(name) as ledger:
            left_out = await left_out_since(ledger)
            sets += [
                {
                    "ledger": name,
                    **each.attestors.model_dump(mode="json"),
                    "closed": each.closed,
                    "succeeded_by": each.succeeded_by,
                    "left_out": {key: left_out[key] for key in each.attestors.keys if key in left_out},
                }
                for each in await attestor_sets(ledger)
            ]
    context.output.document({"attestor_sets": sets})
    context.output.table(
        ["ledger", "set", "quorum", "new terms", "attestor", "counts"],
        [
            (
                each["ledger"],
                f"{each['name']}/{each['epoch']}",
                f"{each['quorum']} of {len(each['keys'])}",
                f"see epoch {each['succeeded_by']}" if each["succeeded_by"] else "no" if each["closed"] else "yes",
                key,
                f"no: misconduct, entry {each['left_out'][key]}" if key in each["left_out"] else "yes",
            )
            for each in sets
            for key in each["keys"]
        ],
    )
    return DONE
