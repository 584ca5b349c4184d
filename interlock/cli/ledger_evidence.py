"""`ledger lock|pay|void|release|refund FILE`: an operation sent straight to its ledger, with no workflow at all.

FILE holds the evidence as one JSON document of the protocol's own: {"signed", "certificate", "authority",
"redirection"}, whichever the operation needs. The ledger verifies it, as it does everybody's.
"""

import argparse
from pathlib import Path
from typing import Any

from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.cli.operators import attempt
from interlock.protocol import (
    Answer,
    Certificate,
    Message,
    Receipt,
    SignedRedirection,
    SignedTerms,
    VoidAuthority,
)

OPERATIONS = {
    "lock": "units into escrow, on both signatures",
    "pay": "the payment and the verdict PAID, on a LOCKED certificate",
    "void": "the verdict VOIDED, on an authority",
    "release": "escrow to the receiver, on a PAID certificate",
    "refund": "escrow back, on a VOIDED certificate",
}


class Evidence(Message):
    """What a FILE may hold. Terms are given with the signatures on them, also where only the terms are needed."""

    signed: SignedTerms
    certificate: Certificate | None = None
    authority: VoidAuthority | None = None
    redirection: SignedRedirection | None = None


def configure(acts: Any) -> None:
    """Add the five operations."""
    for operation, text in OPERATIONS.items():
        parser = acts.add_parser(operation, help=f"by hand: {text}", description=__doc__)
        parser.add_argument("file", metavar="FILE", help="the evidence, as JSON")
        parser.set_defaults(call=_send)


async def _send(arguments: argparse.Namespace, context: Context) -> int:
    evidence = _read(arguments.file)
    terms = evidence.signed.terms
    leg = terms.payment if arguments.act in ("pay", "void") else terms.delivery
    async with context.ledger(leg.ledger, write=True) as ledger:
        answer: Answer
        match arguments.act:
            case "lock":
                answer = await ledger.lock(evidence.signed, attempt())
            case "pay":
                answer = await ledger.pay(evidence.signed, _certificate(evidence), attempt())
            case "void":
                if evidence.authority is None:
                    raise CliError("invalid", "the evidence holds no authority", "authority")
                answer = await ledger.void(evidence.signed, evidence.authority, attempt())
            case "release":
                answer = await ledger.release(terms, _certificate(evidence), attempt(), evidence.redirection)
            case _:
                answer = await ledger.refund(terms, _certificate(evidence), attempt())
    if not isinstance(answer, Receipt):
        raise CliError(answer.code.value, answer.text, answer.field)
    context.output.document({"receipt": answer.model_dump(mode="json")})
    context.output.line(f"done: {answer.operation} on the {answer.ledger} ledger, journal entry {answer.position}")
    return 0


def _read(file: str) -> Evidence:
    return Evidence.model_validate_json(Path(file).read_text(encoding="utf-8"))


def _certificate(evidence: Evidence) -> Certificate:
    if evidence.certificate is None:
        raise CliError("invalid", "the evidence holds no certificate", "certificate")
    return evidence.certificate
