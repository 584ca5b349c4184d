"""What the contract's tests ask of any ledger: a clock to stop, answers to read, books that must balance."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from interlock.ledgers.ledger import Ledger
from interlock.protocol import Answer, Fact, LockState, Receipt, SignedTerms, Terms
from tests.world import ATTEMPT, World, receipt

INSTANT = timedelta(microseconds=1)
"""The smallest step of a ledger's clock."""

Asked = Callable[[], Awaitable[Answer]]


class StoppableClock:
    """A clock for ledgers in memory: the machine's, until it is stopped."""

    def __init__(self) -> None:
        self.moment: datetime | None = None

    def __call__(self) -> datetime:
        return self.moment or datetime.now(UTC)


@dataclass
class Clock:
    """Both ledgers' clocks, whoever keeps them."""

    stop: Callable[[datetime], Awaitable[None]]


def said(answer: Answer) -> tuple[str, str]:
    """The code and the field of a refusal; ("receipt", "") if it is none."""
    return ("receipt", "") if isinstance(answer, Receipt) else (answer.code.value, answer.field)


def code(answer: Answer) -> str:
    """The code of a refusal, or "receipt"."""
    return said(answer)[0]


async def lock(world: World, terms: Terms) -> Receipt:
    """Lock terms that both parties signed."""
    return receipt(await world.asset.lock(world.signed(terms), ATTEMPT))


async def pay(world: World, terms: Terms) -> Answer:
    """Pay, on a certificate of three attestors."""
    return await world.payment.pay(world.signed(terms), world.certificate(Fact.LOCKED, terms), ATTEMPT)


async def release(world: World, terms: Terms) -> Answer:
    """Release, on a certificate of three attestors."""
    return await world.asset.release(terms, world.certificate(Fact.PAID, terms), ATTEMPT)


async def refund(world: World, terms: Terms) -> Answer:
    """Refund, on a certificate of three attestors."""
    return await world.asset.refund(terms, world.certificate(Fact.VOIDED, terms), ATTEMPT)


async def void(world: World, terms: Terms) -> Answer:
    """Void by both parties' consent."""
    return await world.payment.void(world.signed(terms), world.consent(terms), ATTEMPT)


async def lock_state(world: World, terms: Terms) -> str:
    """The lock row's state; "tombstone" if it never held units, "none" if there is no row."""
    row = await world.asset.lock_of(world.signed(terms).terms_hash)
    if row is None:
        return "none"
    return "tombstone" if row.locked is None else row.state.value


async def verdict(world: World, terms: Terms) -> str:
    """The verdict, or "none"."""
    row = await world.payment.verdict_of(world.signed(terms).terms_hash)
    return "none" if row is None else row.verdict.value


async def nothing_written(world: World, signed: SignedTerms) -> bool:
    """Whether neither ledger has a row for these terms."""
    rows = (await world.asset.lock_of(signed.terms_hash), await world.payment.verdict_of(signed.terms_hash))
    return rows == (None, None)


async def assert_books_balance(ledger: Ledger) -> None:
    """Conservation, through what anybody may read: every asset sums to zero, and escrow is exactly the open locks."""
    sums: defaultdict[str, int] = defaultdict(int)
    for account in await ledger.accounts():
        running: defaultdict[str, int] = defaultdict(int)
        for line in await ledger.journal(account.account) or ():
            running[line.asset] += line.quantity
            assert line.balance == running[line.asset] >= 0
        assert {asset: held for asset, held in account.balances.items() if held} == {
            asset: held for asset, held in running.items() if held
        }
        for asset, held in account.balances.items():
            sums[asset] += held
    for lock_row in await ledger.open_locks(-1e9, 10_000):
        assert lock_row.state is LockState.LOCKED
        leg = lock_row.signed.terms.delivery
        escrow = await ledger.journal(f"escrow:{lock_row.terms_hash}")
        assert escrow is not None
        assert [line.balance for line in escrow] == [leg.quantity]
        sums[leg.asset.code] += leg.quantity
    for asset in ("OUSG", "USD", *sums):
        issuance = await ledger.journal(f"issuance:{asset}")
        assert issuance is not None
        issued = -sum(line.quantity for line in issuance)
        assert sums[asset] == issued, f"{asset}: {issued} issued, {sums[asset]} held"
