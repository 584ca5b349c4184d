"""The machine's small world: people, accounts, moments, attestor sets, and the trades that may be agreed on.

Everything is named, so that a shrunken program reads like a story. Judges nothing and sends nothing.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

from interlock.protocol import Asset, Attestors, Leg, LocalSigner, Terms
from interlock.protocol.eip712 import keccak256
from tests.world import ATTESTORS, COORDINATOR, NETWORK, OPERATORS, key

LEDGERS = ("asset", "payment")
OTHER_NETWORK = "0x" + keccak256(b"another network").hex()
PEOPLE: dict[str, LocalSigner] = {name: key(name) for name in ("ada", "bob", "eve", "mallory")} | {
    f"operator-{number}": signer for number, signer in enumerate(OPERATORS, 1)
}
ACCOUNTS = {"ada": "ada", "bob": "bob", "bob-2": "bob", "eve": "eve"}
"""Which accounts are open on both ledgers from the start, and whose they are. `late` may be opened on the way."""
HELD = 10
"""Units of OUSG on the asset ledger, and of USD on the payment ledger, that ada, bob and eve start with."""
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
INSTANTS = 1_000_000
"""Instants, the smallest steps of a clock, in a second."""


def moment(instants: int) -> datetime:
    """So many instants after noon, when every clock starts."""
    return NOON + timedelta(microseconds=instants)


class Told:
    """A dataclass told by those of its fields that are not as usual."""

    def __repr__(self) -> str:
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}  # type: ignore[arg-type]
        usual = {each.name: each.default for each in fields(self)}  # type: ignore[arg-type]
        told = ", ".join(f"{name}={value!r}" for name, value in said.items() if value != usual[name])
        return f"{type(self).__name__}({told})"


@dataclass(frozen=True, repr=False)
class SetId(Told):
    """An attestor set: its name, its epoch, and which of two possible groups of keys it has."""

    name: str = "quorum"
    epoch: int = 1
    keys: str = "first"

    @property
    def signers(self) -> tuple[LocalSigner, ...]:
        """The four attestors, of whom three are a quorum."""
        return _signers(self)

    @property
    def attestors(self) -> Attestors:
        """The set as ledgers register it."""
        return _attestors(self)


FIRST_EPOCH, SECOND_EPOCH = SetId(), SetId(epoch=2)


@cache
def _signers(which: SetId) -> tuple[LocalSigner, ...]:
    if which == SetId():
        return ATTESTORS
    return tuple(key(f"{which.name}-{which.epoch}-{which.keys}-{number}") for number in range(1, 5))


@cache
def _attestors(which: SetId) -> Attestors:
    if which == SetId():
        return COORDINATOR
    return Attestors.of(which.name, which.epoch, tuple(each.address for each in which.signers))


@dataclass(frozen=True, repr=False)
class Trade(Told):
    """Terms by name. Who is not named is the seller's or buyer's first account; quantities are smallest units.

    `not_before` and `settle_by` are seconds after noon.
    """

    id: str = "A"
    seller: str = "ada"
    buyer: str = "bob"
    units: int = 3
    cash: int = 3
    delivers_on: str = "asset"
    pays_on: str = "payment"
    delivered: tuple[str, int] = ("OUSG", 18)
    paid: tuple[str, int] = ("USD", 2)
    deliverer: str = ""
    receiver: str = ""
    payer: str = ""
    payee: str = ""
    not_before: int | None = None
    settle_by: int = 20
    coordinator: SetId = SetId()

    @property
    def delivery(self) -> tuple[str, str]:
        """The accounts from and to which the units move."""
        return self.deliverer or self.seller, self.receiver or self.buyer

    @property
    def payment(self) -> tuple[str, str]:
        """The accounts from and to which the cash moves."""
        return self.payer or self.buyer, self.payee or self.seller

    @cached_property
    def terms(self) -> Terms:
        """What the parties sign."""
        return Terms(
            settlement_id=self.id,
            seller=PEOPLE[self.seller].address,
            buyer=PEOPLE[self.buyer].address,
            delivery=_leg(self.delivers_on, self.delivered, self.units, self.delivery),
            payment=_leg(self.pays_on, self.paid, self.cash, self.payment),
            not_before=None if self.not_before is None else moment(self.not_before * INSTANTS),
            settle_by=moment(self.settle_by * INSTANTS),
            coordinator=self.coordinator.attestors.identity,
        )

    @cached_property
    def hash(self) -> str:
        """The terms hash."""
        return self.terms.hash(NETWORK)

    @property
    def makes_sense(self) -> bool:
        """Whether these can be terms at all: each leg moves between two accounts."""
        return self.delivery[0] != self.delivery[1] and self.payment[0] != self.payment[1]

    @property
    def like_it(self) -> "Trade":
        """Other terms of the same id."""
        return replace(self, settle_by=self.settle_by + 1)

    @property
    def turned_round(self) -> "Trade":
        """The cash against the units: each ledger in the other's role."""
        swapped = replace(self, delivers_on=self.pays_on, pays_on=self.delivers_on)
        return replace(swapped, delivered=self.paid, paid=self.delivered)


def _leg(ledger: str, asset: tuple[str, int], quantity: int, accounts: tuple[str, str]) -> Leg:
    code, decimals = asset
    deliverer, receiver = accounts
    return Leg(
        ledger=ledger,
        asset=Asset(code=code, decimals=decimals),
        quantity=quantity,
        deliverer=deliverer,
        receiver=receiver,
    )
