"""The people, keys and two ledgers that tests settle trades with, whoever keeps the ledgers. Starts no server."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from interlock.ledgers.ledger import Ledger
from interlock.protocol import (
    AccountOrder,
    Answer,
    Asset,
    Attempt,
    Attestors,
    ByConsent,
    ByOperators,
    ByTime,
    Certificate,
    Fact,
    LedgerOrder,
    Leg,
    LocalSigner,
    Mint,
    Misconduct,
    OpenAccount,
    OperatorOrder,
    Receipt,
    Redirection,
    Signature,
    SignedLedgerOrder,
    SignedOperatorOrder,
    SignedRedirection,
    SignedStatement,
    SignedTerms,
    Statement,
    Terms,
)
from interlock.protocol.eip712 import keccak256
from interlock.protocol.genesis import Genesis

OUSG = Asset(code="OUSG", decimals=18)
USD = Asset(code="USD", decimals=2)
UNITS = 2500 * 10**18
CASH = 285_000_00
NETWORK = "0x" + keccak256(b"the tests' network").hex()
ATTEMPT = Attempt(actor="tests", trace_id="5e" * 16, span_id="5f" * 8)


def key(name: str) -> LocalSigner:
    """The same key for the same name, in every run."""
    return LocalSigner(keccak256(b"key of " + name.encode()))


SELLER, BUYER, STRANGER = key("seller"), key("buyer"), key("stranger")
OPERATORS = (key("operator-1"), key("operator-2"), key("operator-3"))
ATTESTORS = tuple(key(f"attestor-{number}") for number in range(1, 5))
COORDINATOR = Attestors.of("quorum", 1, tuple(each.address for each in ATTESTORS))


def genesis(ledger: str) -> Genesis:
    """What either ledger of the tests is born with."""
    return Genesis(
        ledger=ledger,
        network=NETWORK,
        assets=(OUSG, USD),
        operators=tuple(each.address for each in OPERATORS),
        coordinator=COORDINATOR,
    )


@dataclass
class World:
    """Two ledgers of one network. `alpine` is the seller's account on both, `northbank` the buyer's."""

    asset: Ledger
    payment: Ledger

    def __post_init__(self) -> None:
        self._number = itertools.count(1)

    async def fund(self, units: int = 10 * UNITS, cash: int = 10 * CASH) -> None:
        """Open both parties' accounts on both ledgers, and give the seller units and the buyer cash."""
        for ledger in (self.asset, self.payment):
            await self.open(ledger, "alpine", SELLER)
            await self.open(ledger, "northbank", BUYER)
        if units:
            await self.mint(self.asset, "alpine", "OUSG", units)
        if cash:
            await self.mint(self.payment, "northbank", "USD", cash)

    def terms(
        self, *, delivery: dict[str, Any] | None = None, payment: dict[str, Any] | None = None, **fields: Any
    ) -> Terms:
        """The story's trade under a fresh settlement id; `delivery` and `payment` change fields of their legs."""
        units: dict[str, Any] = {
            "ledger": "asset",
            "asset": OUSG,
            "quantity": UNITS,
            "deliverer": "alpine",
            "receiver": "northbank",
        }
        cash: dict[str, Any] = {
            "ledger": "payment",
            "asset": USD,
            "quantity": CASH,
            "deliverer": "northbank",
            "receiver": "alpine",
        }
        agreed: dict[str, Any] = {
            "settlement_id": f"OUSG-{next(self._number):04d}",
            "seller": SELLER.address,
            "buyer": BUYER.address,
            "delivery": Leg(**(units | (delivery or {}))),
            "payment": Leg(**(cash | (payment or {}))),
            "settle_by": in_seconds(3600),
            "coordinator": COORDINATOR.identity,
        }
        return Terms(**(agreed | fields))

    def signed(self, terms: Terms, *signers: LocalSigner, network: str = NETWORK) -> SignedTerms:
        """The terms with both parties' signatures, or with those of the signers given."""
        signatures = tuple(each.sign(terms, network) for each in signers or (SELLER, BUYER))
        return SignedTerms(network=network, terms=terms, signatures=signatures)

    def certificate(
        self,
        fact: Fact,
        terms: Terms,
        receipt: Receipt | None = None,
        *,
        by: Sequence[LocalSigner] = ATTESTORS[:3],
        attestors: Attestors = COORDINATOR,
        network: str = NETWORK,
        **changes: Any,
    ) -> Certificate:
        """A certificate of the fact that the receipt is of, signed `by` attestors; `changes` falsify the statement."""
        says: dict[str, Any] = {
            "fact": fact,
            "coordinator": attestors.identity,
            "terms_hash": terms.hash(network),
            "ledger": terms.delivery.ledger if fact is Fact.LOCKED else terms.payment.ledger,
            "reference": receipt.reference if receipt else "00000000-0000-7000-8000-000000000000",
            "position": receipt.position if receipt else 1,
        }
        statement = Statement(**(says | changes))
        return Certificate(statement=statement, signatures=tuple(each.sign(statement, network) for each in by))

    def misconduct(
        self,
        terms: Terms,
        by: LocalSigner = ATTESTORS[3],
        *,
        facts: tuple[Fact, Fact] = (Fact.PAID, Fact.VOIDED),
        positions: tuple[int, int] = (1, 2),
    ) -> Misconduct:
        """What an attestor signed of terms, against itself."""
        said = [
            self.certificate(fact, terms, position=position).statement
            for fact, position in zip(facts, positions, strict=True)
        ]
        one, other = (SignedStatement(statement=each, signature=by.sign(each, NETWORK)) for each in said)
        return Misconduct.of(NETWORK, one, other)

    def consent(self, terms: Terms, *, valid_until: datetime | None = None) -> ByConsent:
        """Both parties' signed cancellations."""
        given = [each.sign_cancellation(terms, NETWORK, valid_until=valid_until) for each in (SELLER, BUYER)]
        return ByConsent(cancellations=(given[0], given[1]))

    @property
    def by_time(self) -> ByTime:
        """The clock's authority to void."""
        return ByTime()

    def operators_order(
        self,
        terms: Terms,
        act: Literal["void", "resume"] = "void",
        *,
        by: Sequence[LocalSigner] = OPERATORS[:2],
        valid_until: datetime | None = None,
    ) -> SignedOperatorOrder:
        """Two operators' order about these terms."""
        until = valid_until or in_seconds(600)
        order = OperatorOrder(terms_hash=terms.hash(NETWORK), act=act, reason="tests say so", valid_until=until)
        return SignedOperatorOrder(order=order, signatures=tuple(each.sign(order, NETWORK) for each in by))

    def by_operators(self, terms: Terms, **changes: Any) -> ByOperators:
        """Two operators' authority to void."""
        return ByOperators(order=self.operators_order(terms, **changes))

    def redirection(
        self, terms: Terms, receiver: str, *, by: Sequence[LocalSigner] = (BUYER, *OPERATORS[:2])
    ) -> SignedRedirection:
        """The buyer's and two operators' word that the units go to another account of the buyer's."""
        word = Redirection(
            terms_hash=terms.hash(NETWORK), receiver=receiver, reason="tests say so", valid_until=in_seconds(600)
        )
        return SignedRedirection(redirection=word, signatures=tuple(each.sign(word, NETWORK) for each in by))

    async def order(
        self, ledger: Ledger, kind: type[LedgerOrder], *, by: Sequence[LocalSigner] = OPERATORS[:2], **fields: Any
    ) -> Answer:
        """Send a ledger an order signed by two operators."""
        return await ledger.order(self.signed_order(ledger, kind, by=by, **fields), ATTEMPT)

    def signed_order(
        self, ledger: Ledger, kind: type[LedgerOrder], *, by: Sequence[LocalSigner] = OPERATORS[:2], **fields: Any
    ) -> SignedLedgerOrder:
        """An order of a kind, by default with a fresh nonce and valid for ten minutes."""
        said: dict[str, Any] = {
            "ledger": ledger.name,
            "reason": "tests say so",
            "nonce": "0x" + next(self._number).to_bytes(32, "big").hex(),
            "valid_until": in_seconds(600),
        }
        order = kind(**(said | fields))
        return SignedLedgerOrder(order=order, signatures=tuple(each.sign(order, NETWORK) for each in by))

    async def open(self, ledger: Ledger, account: str, owner: LocalSigner, *, admitted: bool = True) -> Receipt:
        """Open an account."""
        return receipt(await self.order(ledger, OpenAccount, account=account, owner=owner.address, admitted=admitted))

    async def mint(self, ledger: Ledger, account: str, asset: str, quantity: int) -> Receipt:
        """Issue smallest units into an account."""
        return receipt(await self.order(ledger, Mint, account=account, asset=asset, quantity=quantity))

    async def act(self, ledger: Ledger, act: Literal["admit", "expel", "freeze", "unfreeze"], account: str) -> Receipt:
        """Admit, expel, freeze or unfreeze an account."""
        return receipt(await self.order(ledger, AccountOrder, act=act, account=account))

    async def locked(self, terms: Terms) -> Certificate:
        """Lock, and certify the lock."""
        return self.certificate(Fact.LOCKED, terms, receipt(await self.asset.lock(self.signed(terms), ATTEMPT)))

    async def paid(self, terms: Terms) -> Certificate:
        """Lock and pay, and certify the payment."""
        certificate = await self.locked(terms)
        answer = await self.payment.pay(self.signed(terms), certificate, ATTEMPT)
        return self.certificate(Fact.PAID, terms, receipt(answer))

    async def voided(self, terms: Terms) -> Certificate:
        """Void by both parties' consent, and certify the verdict."""
        answer = await self.payment.void(self.signed(terms), self.consent(terms), ATTEMPT)
        return self.certificate(Fact.VOIDED, terms, receipt(answer))

    async def settled(self, terms: Terms) -> Receipt:
        """All the way to the release."""
        return receipt(await self.asset.release(terms, await self.paid(terms), ATTEMPT))

    async def balance(self, ledger: Ledger, account: str, asset: str) -> int:
        """What an account holds, in smallest units."""
        states = {state.account: state for state in await ledger.accounts()}
        return states[account].balances.get(asset, 0)


def in_seconds(seconds: float) -> datetime:
    """A moment from now on this machine's clock, which the embedded ledgers share."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def receipt(answer: Answer) -> Receipt:
    """The receipt that an answer must be."""
    assert isinstance(answer, Receipt), answer
    return answer


def refused(answer: Answer) -> str:
    """The code of the refusal that an answer must be."""
    assert not isinstance(answer, Receipt), answer
    return answer.code.value


def signatures_of(terms: Terms, *signers: LocalSigner) -> tuple[Signature, ...]:
    """Signatures on terms, in the tests' network."""
    return tuple(each.sign(terms, NETWORK) for each in signers)
