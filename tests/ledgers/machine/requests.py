"""What a caller may ask of a ledger, said in the design's words and with every way of saying it wrong. Pure data.

A `flaw` of "" is none. What each flaw makes of the messages that are sent, `evidence` knows; what a ledger must answer,
`model` and `orders`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from interlock.protocol import Fact
from tests.ledgers.machine.trades import FIRST_EPOCH, SECOND_EPOCH, SetId, Told, Trade

TERMS_FLAWS = (
    "the seller's only",
    "the buyer's only",
    "the seller's twice",
    "the buyer's forged",
    "a stranger's for the buyer's",
    "of other terms",
    "made on another network",
    "for another network",
)
CERTIFICATE_FLAWS = (
    "two signatures",
    "no signature",
    "one twice",
    "a stranger's",
    "one forged",
    "on another network",
    "of another ledger",
    "of another fact",
    "of other terms",
    "of other keys",
    "of an unregistered epoch",
)
CONSENT_FLAWS = ("one side's twice", "a stranger's", "one forged", "of other terms", "on another network")
OPERATOR_FLAWS = ("one operator", "one twice", "a stranger's", "of other words", "on another network")
ACCUSATION_FLAWS = ("the same twice", "one forged", "on another network", "another's second")
FOREVER = 10_000
"""Seconds after noon when nothing expires any more."""


@dataclass(frozen=True, repr=False)
class Tick(Told):
    """Set a ledger's clock: so many seconds after noon, and an instant before or after that."""

    ledger: str
    second: int = 0
    instants: int = 0


@dataclass(frozen=True, repr=False)
class Proof(Told):
    """A certificate: of the set that counts there, of the one that the terms name, or of a certain one."""

    by: SetId | Literal["counts", "named"] = "counts"
    flaw: str = ""
    everybody: bool = False


@dataclass(frozen=True, repr=False)
class Redirect(Told):
    """The buyer's and two operators' word that a release goes to another account."""

    to: str = "bob-2"
    flaw: str = ""
    valid_until: int = FOREVER


@dataclass(frozen=True, repr=False)
class Consent(Told):
    """Both parties' cancellations, each with its own valid_until."""

    flaw: str = ""
    sellers_until: int = FOREVER
    buyers_until: int = FOREVER


@dataclass(frozen=True, repr=False)
class ByClock(Told):
    """The payment ledger's own clock."""


@dataclass(frozen=True, repr=False)
class ByOrder(Told):
    """Two operators' order to void."""

    flaw: str = ""
    valid_until: int = FOREVER


@dataclass(frozen=True, repr=False)
class AboutTrade(Told):
    """A request about one trade's terms; `elsewhere` sends it to the ledger that has the other role."""

    trade: Trade
    elsewhere: bool = False

    @property
    def ledger(self) -> str:
        """Where it is sent."""
        at_home = self.trade.pays_on if isinstance(self, OF_PAYMENT) else self.trade.delivers_on
        if at_home not in ("asset", "payment"):
            at_home = "payment" if isinstance(self, OF_PAYMENT) else "asset"
        return {"asset": "payment", "payment": "asset"}[at_home] if self.elsewhere else at_home


@dataclass(frozen=True, repr=False)
class Check(AboutTrade):
    """Would you do your part?"""

    flaw: str = ""


@dataclass(frozen=True, repr=False)
class Lock(AboutTrade):
    """Into escrow."""

    flaw: str = ""


@dataclass(frozen=True, repr=False)
class Release(AboutTrade):
    """Escrow to the receiver."""

    proof: Proof = Proof()
    redirect: Redirect | None = None


@dataclass(frozen=True, repr=False)
class Refund(AboutTrade):
    """Escrow back to the deliverer."""

    proof: Proof = Proof()


@dataclass(frozen=True, repr=False)
class Pay(AboutTrade):
    """The verdict PAID."""

    proof: Proof = Proof()
    flaw: str = ""


@dataclass(frozen=True, repr=False)
class Void(AboutTrade):
    """The verdict VOIDED."""

    authority: Consent | ByClock | ByOrder = Consent()
    flaw: str = ""


@dataclass(frozen=True, repr=False)
class Resume(AboutTrade):
    """Two operators' order to look again."""

    flaw: str = ""
    valid_until: int = FOREVER


@dataclass(frozen=True, repr=False)
class LockOf(AboutTrade):
    """The lock row."""


@dataclass(frozen=True, repr=False)
class VerdictOf(AboutTrade):
    """The verdict row."""


@dataclass(frozen=True, repr=False)
class AttestorsOf(AboutTrade):
    """The set whose certificates count."""


OF_PAYMENT = (Pay, Void, VerdictOf)


@dataclass(frozen=True, repr=False)
class Accounts(Told):
    """Every account and what it holds."""

    ledger: str


@dataclass(frozen=True, repr=False)
class Open(Told):
    """Open an account."""

    account: str = "late"
    owner: str = "ada"
    admitted: bool = True


@dataclass(frozen=True, repr=False)
class Mint(Told):
    """Issue units."""

    account: str = "ada"
    asset: str = "OUSG"
    quantity: int = 3


@dataclass(frozen=True, repr=False)
class Act(Told):
    """Admit, expel, freeze or unfreeze."""

    act: Literal["admit", "expel", "freeze", "unfreeze"] = "freeze"
    account: str = "ada"


@dataclass(frozen=True, repr=False)
class Keep(Told):
    """Register an asset."""

    asset: tuple[str, int] = ("GOLD", 3)


@dataclass(frozen=True, repr=False)
class Register(Told):
    """Register an attestor set, perhaps in place of a lost epoch."""

    what: SetId = SECOND_EPOCH
    succeeds: int | None = None


@dataclass(frozen=True, repr=False)
class Close(Told):
    """Close an epoch to new terms."""

    name: str = "quorum"
    epoch: int = 1


@dataclass(frozen=True, repr=False)
class Readmit(Told):
    """Let an attestor of a set count again that was left out."""

    of: SetId = FIRST_EPOCH
    who: int = 0


@dataclass(frozen=True, repr=False)
class Accuse(Told):
    """An attestor of a set has signed both verdicts on some terms; the number tells one misconduct from another."""

    ledger: str
    of: SetId = FIRST_EPOCH
    who: int = 0
    number: int = 1
    flaw: str = ""


@dataclass(frozen=True, repr=False)
class Order(Told):
    """Two operators' order to a ledger; the nonce tells equal ones apart. `misdirected`: it names the other ledger."""

    ledger: str
    what: Open | Mint | Act | Keep | Register | Close | Readmit
    nonce: int = 1
    valid_until: int = FOREVER
    flaw: str = ""
    misdirected: bool = False


Request: TypeAlias = (
    Tick
    | Check
    | Lock
    | Release
    | Refund
    | Pay
    | Void
    | Resume
    | LockOf
    | VerdictOf
    | AttestorsOf
    | Accounts
    | Accuse
    | Order
)
NEEDED = {Release: Fact.PAID, Refund: Fact.VOIDED, Pay: Fact.LOCKED}
"""The fact whose certificate each operation needs."""
