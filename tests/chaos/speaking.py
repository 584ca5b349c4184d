"""What the two parties of a trade sign, and say through the client. Waits for nothing.

Refusals of the client are answers here: what became of a trade, the ledgers say and `judge.py` reads.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.service import RPCError

from interlock.client import InterlockError, SettlementClient, SettlementHandle
from interlock.protocol import OperatorOrder, SignedOperatorOrder, Terms
from interlock.protocol.names import workflow_id
from tests.chaos.floor import Floor
from tests.chaos.patience import insist
from tests.chaos.register import COULD_SETTLE, Claim, Ending
from tests.chaos.trading import DOLLAR, Party
from tests.world import OPERATORS


@dataclass
class Speaking:
    """A trade numbered within the run; `rng` makes its choices, and no other's."""

    floor: Floor
    number: int
    plot: str
    rng: random.Random
    seller: Party
    buyer: Party
    claims: list[Claim] = field(default_factory=list)

    @property
    def settlement_id(self) -> str:
        """The trade's id."""
        return f"CHAOS-{self.number:05d}"

    async def own_account(self, party: Party, *, units: int = 0, dollars: int = 0, admitted: bool = True) -> Party:
        """The same party with an account of this trade's own."""
        own = Party(f"{party.account}.{self.number}", party.key)
        await self.floor.open(own, units=units, dollars=dollars, admitted=admitted)
        return own

    def terms(
        self,
        allowed: frozenset[Ending] = COULD_SETTLE,
        *,
        within: float | None = None,
        units: int | None = None,
        dollars: int | None = None,
        waits_for_nobody: bool = False,
    ) -> Claim:
        """Terms between the two parties as they are now, taken down with what they may come to."""
        terms = self.floor.market.terms(
            self.settlement_id,
            self.seller,
            self.buyer,
            units=units or self.rng.randint(1, 5_000),
            dollars=dollars or self.rng.randint(1, 500_000),
            settle_by=datetime.now(UTC) + timedelta(seconds=within or self.rng.uniform(*self.floor.plan.settle_within)),
        )
        return self.take_down(terms, allowed, waits_for_nobody=waits_for_nobody)

    def two(self) -> tuple[Claim, Claim]:
        """Two terms of one id between the same parties, of which at most one may move anything."""
        first = self.terms()
        payment = first.terms.payment
        dearer = payment.model_copy(update={"quantity": payment.quantity + DOLLAR})
        second = self.take_down(first.terms.model_copy(update={"payment": dearer}), COULD_SETTLE)
        self.floor.register.rivals.append((first.terms_hash, second.terms_hash))
        return first, second

    def take_down(self, terms: Terms, allowed: frozenset[Ending], *, waits_for_nobody: bool = False) -> Claim:
        """A claim of terms, registered before anybody is sent anything."""
        network = self.floor.network
        claim = Claim(self.plot, terms, terms.hash(network), workflow_id(terms, network), allowed, waits_for_nobody)
        self.floor.register.add(claim)
        self.claims.append(claim)
        return claim

    async def instruct(self, claim: Claim, party: Party) -> SettlementHandle | None:
        """One party sends its signature on the terms; None if the client refuses (it is too late, or withdrawn)."""
        self.floor.register.under_way[claim.workflow_id] = None
        signature = party.key.sign(claim.terms, self.floor.network)
        client = self._client()
        with suppress(InterlockError):
            return await insist(lambda: client.instruct(claim.terms, signature))
        return None

    def _client(self) -> SettlementClient:
        return self.rng.choice((self.floor.market.client, self.floor.other))

    async def match(self, claim: Claim) -> None:
        """Both parties send their signatures, one after the other in either order, or together by one of them."""
        parties = self.rng.sample((self.seller, self.buyer), 2)
        if self.rng.random() < 0.3:
            await self.settle(claim)
            return
        for party in parties:
            await self.instruct(claim, party)
        claim.matched_at = datetime.now(UTC)

    async def settle(self, claim: Claim) -> bool:
        """One party sends both signatures; False if the client refuses."""
        self.floor.register.under_way[claim.workflow_id] = None
        signatures = self.floor.signed(claim.terms, self.seller, self.buyer).signatures
        claim.matched_at = claim.matched_at or datetime.now(UTC)
        client = self._client()
        with suppress(InterlockError):
            await insist(lambda: client.settle(claim.terms, signatures))
            return True
        return False

    async def cancel(self, claim: Claim, *parties: Party) -> None:
        """Parties give their consent to cancel; a refusal (it is paid, it has ended) is an answer."""
        handle = self.floor.market.client.handle(claim.terms)
        for party in parties:
            consent = party.key.sign_cancellation(claim.terms, self.floor.network)
            with suppress(InterlockError):
                await insist(lambda consent=consent: handle.cancel(consent))  # type: ignore[misc]

    async def withdraw(self, claim: Claim, party: Party) -> None:
        """The only party takes its proposal back; a refusal (it is matched) is an answer."""
        word = party.key.sign_withdrawal(claim.terms, self.floor.network)
        with suppress(InterlockError):
            await insist(lambda: self.floor.market.client.handle(claim.terms).withdraw(word))

    async def order_void(self, claim: Claim) -> None:
        """Two operators order the settlement to be voided; a refusal (it is paid) is an answer."""
        order = OperatorOrder(
            terms_hash=claim.terms_hash,
            act="void",
            reason="chaos",
            valid_until=datetime.now(UTC) + timedelta(minutes=5),
        )
        signatures = tuple(by.sign(order, self.floor.network) for by in OPERATORS[:2])
        signed = SignedOperatorOrder(order=order, signatures=signatures)
        with suppress(InterlockError):
            await insist(lambda: self.floor.market.client.handle(claim.terms).order(signed))

    async def terminate(self, claim: Claim) -> None:
        """Somebody terminates its run; where none runs, or the server is away, nothing happens."""
        with suppress(RPCError):
            await self.floor.temporal.get_workflow_handle(claim.workflow_id).terminate("chaos")

    async def pause(self, longest: float | None = None) -> None:
        """As long as people take."""
        shortest, usual = self.floor.plan.waits
        await asyncio.sleep(self.rng.uniform(shortest, longest or usual))
