"""What clients send a settlement's workflow, and what it answers."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from interlock.protocol.authority import SignedTerms
from interlock.protocol.growing import Request, Told
from interlock.protocol.names import Role, workflow_id
from interlock.protocol.receipts import Receipt
from interlock.protocol.terms import Terms
from interlock.protocol.words import Address, Digest, SettlementId, UtcTime


class SettlementStart(Request):
    """Which settlement a workflow is: all that it needs to begin."""

    network: Digest
    settlement_id: SettlementId
    seller: Address
    buyer: Address

    @classmethod
    def of(cls, terms: Terms, network: str) -> "SettlementStart":
        """The start that these terms belong to, on a network."""
        return cls(network=network, settlement_id=terms.settlement_id, seller=terms.seller, buyer=terms.buyer)


class RunStart(SettlementStart):
    """What whoever starts a run says beside: where its steps run, and the signed terms that it is started for.

    `local_roles` are tried in the settlement worker's own process first, for as long as the run lives, so that every
    replay finds the steps where they were. It is a hint: where a role is not, a step goes to the role's task queue.
    `proposed` is in the run's first event: terms that both have signed, to be settled or recovered, need no more than
    that, whatever becomes of who sent them. A single party's proposal comes by update, which is answered.
    """

    local_roles: tuple[Role, ...] = ()
    proposed: SignedTerms | None = None

    @classmethod
    def saying(
        cls, start: SettlementStart, *, local_roles: Iterable[Role] = (), proposed: SignedTerms | None = None
    ) -> "RunStart":
        """The start of a run of this settlement."""
        return cls(**start.model_dump(), local_roles=tuple(sorted(local_roles)), proposed=proposed)


class Difference(Told):
    """A field in which two sides' terms differ, with both values as text."""

    field: str
    yours: str
    theirs: str


class Instructed(Told):
    """The answer to an instruction: recorded; whether both have signed; else how the other side's terms differ."""

    terms_hash: Digest
    matched: bool
    differences: tuple[Difference, ...] = ()


class Sweep(Request):
    """What a sweep looks for: locks that have stood for so long with no workflow, and unserved verdicts."""

    older_than_seconds: Annotated[float, Field(ge=0)] = 30.0
    batch: Annotated[int, Field(ge=1, le=1000)] = 200


class Sighting(Told):
    """What the sweeper saw on a ledger: a row of these terms, and the workflow that should be at them."""

    terms_hash: Digest
    workflow_id: str
    position: int
    at: UtcTime

    @classmethod
    def of(cls, signed: SignedTerms, receipt: Receipt) -> "Sighting":
        """The row that this receipt is of."""
        name = workflow_id(signed.terms, signed.network)
        return cls(terms_hash=signed.terms_hash, workflow_id=name, position=receipt.position, at=receipt.at)


class SweepResult(Told):
    """What a sweep found. The next one reads verdicts after `position`, and looks again at those still unserved.

    `locks_after` is where a sweep that could not look at all open locks stopped; the next one goes on from there.
    """

    position: int = 0
    unserved: tuple[Sighting, ...] = ()
    locks_after: int = 0
    recovered: tuple[Digest, ...] = ()
