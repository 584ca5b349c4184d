"""What people are shown of a settlement in Temporal's Web UI: its details in Markdown, and what each step is called.

Pure functions of what the settlement knows. Nothing here decides anything, and nothing that others wrote (a ledger's
sentence, a reason, a fault) can become a link, an image, a heading or a table.
"""

from collections.abc import Iterator
from datetime import datetime

from interlock.protocol import (
    Certificate,
    Fact,
    Operation,
    SignedTerms,
    Stage,
    trace_id_of,
)
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.reports import Act
from interlock.protocol.summary import amount_of, summary_of
from interlock.workflows.plain import markdown
from interlock.workflows.progress import Progress

EVENTS_SHOWN = 12
PROPOSALS_SHOWN = 4
_GAP = "\N{NO-BREAK SPACE}" * 4
"""The Web UI puts no space between a table's columns."""

_MEANING = {
    Stage.PROPOSED: "One party has signed; the other has not signed the same terms yet.",
    Stage.MATCHED: "Both parties have signed; nothing has moved.",
    Stage.LOCKED: "The units are in escrow; the attestors are asked to certify it.",
    Stage.ATTESTED: "The lock is certified; the payment is next.",
    Stage.PAID: "The payment is made and final; the units go to the receiver.",
    Stage.VOIDED: "Voided and final; what is in escrow goes back to the deliverer.",
    Stage.SETTLED: "Both legs have moved.",
    Stage.CANCELLED: "Ended with neither leg moved: cancelled, withdrawn or voided by order.",
    Stage.EXPIRED: "Ended with neither leg moved: settle_by passed.",
    Stage.REJECTED: "Ended before anything moved: a ledger would not do its part.",
}

_DONE = {
    Operation.LOCK: "Locked",
    Operation.PAY: "Paid",
    Operation.VOID: "Voided",
    Operation.RELEASE: "Released",
    Operation.REFUND: "Refunded",
}

_COMMANDS: dict[Act, str] = {
    "instruct": "instruct FILE --as NAME",
    "withdraw": "withdraw {id} --as NAME",
    "cancel": "cancel {id} --as NAME",
    "resume": "resume {id} --as OP1 --as OP2 --reason TEXT",
    "void": "void {id} --as OP1 --as OP2 --reason TEXT",
}
_WHO_MAY: dict[Act, str] = {
    "instruct": "the other party signs",
    "withdraw": "the party that signed takes its proposal back",
    "cancel": "a party consents; takes effect when both have",
    "resume": "two operators have it look again now",
    "void": "two operators void it, unless it is paid",
}


def details_of(start: SettlementStart, progress: Progress) -> str:
    """The settlement in Markdown, from what the workflow itself has verified."""
    subject = progress.subject
    if subject is None:
        return f"**{start.settlement_id}** — nobody has proposed terms yet."
    blocks = [
        _headline(progress, subject),
        "\n".join(_waiting(progress)),
        "\n".join(_legs(subject)),
        "\n".join(_facts(progress, subject)),
        "\n".join(_proposals(progress)),
        "\n".join(_may(progress, subject)),
        "\n".join(_events(progress)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _headline(progress: Progress, subject: SignedTerms) -> str:
    state, meaning = progress.stage.value, _MEANING[progress.stage]
    if progress.suspended:
        state, meaning = "SUSPENDED", "Paid and final; the units stay in escrow until people act."
    return f"### {markdown(summary_of(subject.terms))}\n\n**{state}** — {meaning}"


def _waiting(progress: Progress) -> Iterator[str]:
    if (blocker := progress.blocker) is None:
        return
    yield f"**{'Rejected because' if progress.outcome else 'Waits because'}**: {markdown(blocker.text)}"
    yield ""
    if blocker.who:
        yield f"- **Who must act**: {markdown(blocker.who)}"
    yield f"- **Reason code**: {markdown(blocker.code)}"
    if progress.next_attempt is not None:
        yield f"- **Next attempt**: {_time(progress.next_attempt)}"


def _legs(subject: SignedTerms) -> Iterator[str]:
    """Both legs side by side."""
    legs = (subject.terms.delivery, subject.terms.payment)
    yield _row("", "Delivery", "Payment")
    yield "|:---|:---|:---|"
    yield _row("**Amount**", *(f"**{markdown(f'{amount_of(leg)} {leg.asset.code}')}**" for leg in legs))
    yield _row("**From**", *(markdown(leg.deliverer) for leg in legs))
    yield _row("**To**", *(markdown(leg.receiver) for leg in legs))
    yield _row("**Ledger**", *(markdown(leg.ledger) for leg in legs))


def _row(*cells: str) -> str:
    return "|" + "|".join(f" {cell}{_GAP} " for cell in cells) + "|"


def _receipts(progress: Progress) -> Iterator[str]:
    """The ledgers' entries, in the order in which they come about."""
    words = _DONE | {Operation.VOID: f"Voided by {progress.voided_by}" if progress.voided_by else "Voided"}
    done = {receipt.operation: receipt for receipt in progress.receipts}
    for operation, word in words.items():
        if (receipt := done.get(operation)) is not None:
            yield f"- **{word}**: entry {receipt.position} of {markdown(receipt.ledger)}, {_time(receipt.at)}"


def _facts(progress: Progress, subject: SignedTerms) -> Iterator[str]:
    terms = subject.terms
    if terms.not_before is not None:
        yield f"- **Not before**: {_time(terms.not_before)}"
    yield f"- **Settle by**: {_time(terms.settle_by)}"
    for side, party in (("Seller", terms.seller), ("Buyer", terms.buyer)):
        yield f"- **{side}**: {party}, {'signed' if party in subject.signers else 'not signed yet'}"
    yield from _receipts(progress)
    for certificate in (progress.lock_certificate, progress.verdict_certificate):
        if certificate is not None:
            yield f"- **Certificate**: {_certified(certificate)}"
    if progress.dissents:
        by_fact = {fact: [one for one in progress.dissents if one.fact is fact] for fact in Fact}
        said = [f"{len(those)} on {fact}" for fact, those in by_fact.items() if those]
        yield f"- **Attestors that did not sign**: {', '.join(said)}"
    for consent in progress.cancellations:
        side = "seller" if consent.signature.signer == terms.seller else "buyer"
        yield f"- **Consent to cancel**: the {side}'s, until {_time(consent.cancellation.valid_until)}"
    if progress.void_order is not None:
        yield f"- **Ordered to void**: {markdown(progress.void_order.order.reason)}"
    if progress.redirection is not None:
        yield f"- **Redirected to account**: {markdown(progress.redirection.redirection.receiver)}"
    yield f"- **Terms hash**: {subject.terms_hash}"
    yield f"- **Trace**: {trace_id_of(subject.terms_hash)}"


def _certified(certificate: Certificate) -> str:
    statement = certificate.statement
    signers = len(certificate.signatures)
    return f"{statement.fact} on {markdown(statement.ledger)}, entry {statement.position}, {signers} attestors signed"


def _proposals(progress: Progress) -> Iterator[str]:
    """Only where there is more than one: a single one is shown above."""
    if progress.matched is not None or len(progress.proposals) < 2:
        return
    yield "**Proposals**"
    yield ""
    for proposal in progress.proposals[:PROPOSALS_SHOWN]:
        terms = proposal.terms
        by = " and ".join(
            side for side, who in (("seller", terms.seller), ("buyer", terms.buyer)) if who in proposal.signers
        )
        yield f"- {markdown(summary_of(terms))}, settle by {_time(terms.settle_by)}, signed by {by}"
    if (more := len(progress.proposals) - PROPOSALS_SHOWN) > 0:
        yield f"- and {more} more"


def _may(progress: Progress, subject: SignedTerms) -> Iterator[str]:
    if not progress.allowed:
        return
    yield "**What may be done now**"
    yield ""
    for act in progress.allowed:
        command = _COMMANDS[act].format(id=subject.terms.settlement_id)
        yield f"- {_WHO_MAY[act]}: `interlock {command}`"


def _events(progress: Progress) -> Iterator[str]:
    yield "**What happened** (UTC, newest first)"
    yield ""
    for event in progress.events[: -EVENTS_SHOWN - 1 : -1]:
        yield f"- {event.at:%m-%d %H:%M:%S} · {event.stage} · {markdown(event.text)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
