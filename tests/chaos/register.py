"""Every terms that anybody signed in this run, and what each could become. Decides nothing, and asks no server."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from interlock.protocol import SettlementReport, Terms


class Ending(StrEnum):
    """What terms can have come to, as the two ledgers alone tell it."""

    SETTLED = "settled"
    """PAID and released."""
    CONSENTED = "voided by consent"
    """VOIDED by both parties' consent, and refunded (as the next two)."""
    ORDERED = "voided by operators"
    EXPIRED = "voided by time"
    UNTOUCHED = "untouched"
    """Neither ledger has a row: rejected, withdrawn, or expired unmatched."""


COULD_SETTLE = frozenset({Ending.SETTLED, Ending.EXPIRED, Ending.UNTOUCHED})
"""Nothing stands in the way but time: a fault may take longer than settle_by gives."""
CANNOT_SETTLE = frozenset({Ending.EXPIRED, Ending.UNTOUCHED})
NOTHING_MOVES = frozenset({Ending.UNTOUCHED})


@dataclass
class Claim:
    """Terms under which somebody may have got something, and what may have come of them."""

    plot: str
    terms: Terms
    terms_hash: str
    workflow_id: str
    allowed: frozenset[Ending]
    waits_for_nobody: bool = False
    """Whether nothing keeps it from settling but the service itself; its time then counts as recovery."""
    matched_at: datetime | None = None
    """When the second signature had been sent."""
    report: SettlementReport | None = None
    """The final one, as a client was told it."""
    ended_at: datetime | None = None
    """On the ledger's clock; None for what is untouched."""
    ending: Ending | None = None
    """What it came to, once that has been judged."""

    @property
    def settled(self) -> bool:
        """Whether units and cash have changed hands."""
        return self.ending is Ending.SETTLED


@dataclass
class Register:
    """All claims by terms hash. Of the claims in one of `rivals`, at most one may have moved anything."""

    claims: dict[str, Claim] = field(default_factory=dict)
    rivals: list[tuple[str, ...]] = field(default_factory=list)
    under_way: dict[str, None] = field(default_factory=dict)
    """The workflow ids of settlements that have not ended as far as is known: what faults may aim at."""
    given: dict[tuple[str, str], int] = field(default_factory=dict)
    """What was issued to each account, by ledger and account, in smallest units."""

    def add(self, claim: Claim) -> None:
        """Take down terms before they are sent anywhere."""
        assert claim.terms_hash not in self.claims, claim
        self.claims[claim.terms_hash] = claim

    def give(self, ledger: str, account: str, quantity: int) -> None:
        """Note that an account is issued units, before it is."""
        self.given[ledger, account] = self.given.get((ledger, account), 0) + quantity

    def of(self, terms_hashes: Iterable[str]) -> Iterator[Claim]:
        """The claims of these terms."""
        return (self.claims[terms_hash] for terms_hash in terms_hashes)
