"""What a checker must know before it looks into a file: the network, and whose seals count. It comes from elsewhere.

A file that named its own keys would prove only that somebody made it.
"""

from pydantic import Field

from interlock.proof.format import Proof
from interlock.proof.report import Untrue
from interlock.protocol import Message
from interlock.protocol.words import Address, Digest, LedgerName

UNTRUSTED = (
    "no keys were given, so it is consistent with the keys that it names itself, which anybody can make: "
    "name those that you know with --trust FILE"
)


class Trust(Message):
    """The keys of one environment that somebody has taken from its operators, and not from a proof."""

    network: Digest
    keepers: dict[LedgerName, Address]
    """Whose seals count, by journal: each ledger's name, and audit."""
    operators: dict[LedgerName, tuple[Address, ...]] = Field(default_factory=dict)
    """If they are known too: the operators that a ledger was born with."""


def keys(proof: Proof, trust: Trust | None) -> str:
    """Why the keys in the file are not those that count; Untrue if others are known to."""
    ledgers = {proof.terms.terms.delivery.ledger, proof.terms.terms.payment.ledger}
    if proof.keepers.keys() != ledgers | {"audit"}:
        raise Untrue("it does not name a keeper for each of its journals, and for no other")
    if proof.terms.network != proof.network:
        raise Untrue("its terms are signed for another network")
    if trust is None:
        return UNTRUSTED
    if proof.network != trust.network:
        raise Untrue(f"it is of network {proof.network}, not of {trust.network}")
    for journal, keeper in sorted(proof.keepers.items()):
        known = trust.keepers.get(journal)
        if known is None:
            return f"the keys given name no keeper of journal {journal}"
        if keeper != known:
            raise Untrue(f"it names {keeper} as the keeper of journal {journal}, which is {known}")
    return ""
