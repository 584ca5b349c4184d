"""The model's ledgers answer as the product's do: in every state that the model can reach, to everything one can ask.

The ledger in memory stands for both: it passes the same tests as the Postgres one.
"""

import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from interlock.ledgers.memory import MemoryLedger
from interlock.protocol import Answer, ByConsent, Certificate, Fact, Receipt, SignedTerms
from tests.protocol_model.ledgers import Bank, Ledgers, Terms
from tests.protocol_model.orchestrator import Orchestrated
from tests.protocol_model.rules import REAL
from tests.protocol_model.search import explore
from tests.protocol_model.worlds import AGAIN, HALF, TRADE
from tests.world import ATTEMPT, ATTESTORS, BUYER, SELLER, World, genesis, in_seconds

TERMS = (TRADE, AGAIN, HALF)
ACCOUNTS = {"alpine": "seller", "northbank": "buyer"}
CERTIFIED = {"pay": Fact.LOCKED, "release": Fact.PAID, "refund": Fact.VOIDED}


class Asked(NamedTuple):
    """An operation on terms. `evidenced`: with all that it needs; else one signature short, or void on the clock."""

    verb: str
    number: int
    evidenced: bool = True


ASKED = (
    *(Asked(verb, number) for verb in ("lock", "pay", "void", "release", "refund") for number in range(len(TERMS))),
    *(Asked(verb, 0, evidenced=False) for verb in ("pay", "void", "release", "refund")),
    Asked("void", 1, evidenced=False),
)


class Clock:
    """One ledger's clock, which stands still until it passes settle_by of all terms."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Real:
    """A pair of the product's ledgers, and their clocks."""

    world: World
    clocks: dict[str, Clock]

    @classmethod
    async def empty(cls) -> "Real":
        """Accounts are open and hold what all terms need together; nothing else has happened."""
        clocks = {ledger: Clock(in_seconds(0)) for ledger in ("asset", "payment")}
        asset, payment = (MemoryLedger(genesis(ledger), clock) for ledger, clock in clocks.items())
        world = World(asset=asset, payment=payment)
        await world.fund(sum(each.units for each in TERMS), sum(each.money for each in TERMS))
        return cls(world, clocks)

    def pass_settle_by(self, ledger: str) -> None:
        """Set one ledger's clock, if it has not passed yet."""
        self.clocks[ledger].moment = _SETTLE_BY + timedelta(hours=1)

    async def ask(self, asked: Asked) -> Answer:
        """Send one operation, with the evidence that is named."""
        signed, asset, payment = _signed(asked.number), self.world.asset, self.world.payment
        match asked.verb:
            case "lock":
                return await asset.lock(signed, ATTEMPT)
            case "pay":
                return await payment.pay(signed, _certificate(asked), ATTEMPT)
            case "void":
                authority = _consent(asked.number) if asked.evidenced else self.world.by_time
                return await payment.void(signed, authority, ATTEMPT)
            case "release":
                return await asset.release(signed.terms, _certificate(asked), ATTEMPT)
            case _:
                return await asset.refund(signed.terms, _certificate(asked), ATTEMPT)

    async def shows(self) -> dict[str, Any]:
        """Rows and balances."""
        rows: list[tuple[str, frozenset[str]]] = []
        for number in range(len(TERMS)):
            terms_hash = _signed(number).terms_hash
            lock = await self.world.asset.lock_of(terms_hash)
            verdict = await self.world.payment.verdict_of(terms_hash)
            state = "" if lock is None else "tombstone" if lock.locked is None else lock.state.value
            rows.append((state, frozenset() if verdict is None else frozenset({verdict.verdict.value})))
        units = {each.account: each.balances.get("OUSG", 0) for each in await self.world.asset.accounts()}
        money = {each.account: each.balances.get("USD", 0) for each in await self.world.payment.accounts()}
        return {"rows": rows, "units": units, "money": money}


_SIGNING = World(
    asset=MemoryLedger(genesis("asset"), Clock(in_seconds(0))),
    payment=MemoryLedger(genesis("payment"), Clock(in_seconds(0))),
)
_SETTLE_BY = in_seconds(3600)


@cache
def _signed(number: int) -> SignedTerms:
    """The model's terms as the product has them. Their settle_by differ, so that no two terms are the same."""
    terms: Terms = TERMS[number]
    real = _SIGNING.terms(
        settlement_id="ONE-ID",
        delivery={"quantity": terms.units},
        payment={"quantity": terms.money},
        settle_by=_SETTLE_BY + timedelta(seconds=number),
    )
    return _SIGNING.signed(real, *((SELLER, BUYER) if terms.signed else (SELLER,)))


@cache
def _certificate(asked: Asked) -> Certificate:
    by = ATTESTORS[:3] if asked.evidenced else ATTESTORS[:2]
    return _SIGNING.certificate(CERTIFIED[asked.verb], _signed(asked.number).terms, by=by)


@cache
def _consent(number: int) -> ByConsent:
    return _SIGNING.consent(_signed(number).terms, valid_until=_SETTLE_BY + timedelta(days=1))


def _predicted(bank: Bank, held: Ledgers, asked: Asked) -> tuple[Ledgers, str]:
    verb, number, evidenced = asked
    match verb:
        case "lock":
            return bank.lock(held, number)
        case "void":
            return bank.void(held, number, willed=evidenced)
        case "pay":
            return bank.pay(held, number, certified=evidenced)
        case "release":
            return bank.release(held, number, certified=evidenced)
        case _:
            return bank.refund(held, number, certified=evidenced)


def _shown(held: Ledgers) -> dict[str, Any]:
    return {
        "rows": [(row.lock, frozenset(row.verdicts)) for row in held.rows],
        "units": {name: dict(held.units)[of] for name, of in ACCOUNTS.items()},
        "money": {name: dict(held.money)[of] for name, of in ACCOUNTS.items()},
    }


async def test_real_ledgers_answer_as_the_model_does_in_every_state() -> None:
    model = Orchestrated(REAL, TERMS, dishonest=1, one_deadline=True)
    reachable = {state.held for state in explore(model).states}
    everybody = frozenset(range(len(TERMS)))
    brought = {model.initial.held: await Real.empty()}
    for held, real in (queue := list(brought.items())):  # the queue grows while it is walked
        assert await real.shows() == _shown(held)
        following = [
            (held._replace(asset_past=everybody), "asset"),
            (held._replace(payment_past=everybody), "payment"),
        ]
        for after, ledger in following:
            if after not in brought:
                brought[after] = copy.deepcopy(real)
                brought[after].pass_settle_by(ledger)
                queue.append((after, brought[after]))
        for asked in ASKED:
            after, said = _predicted(model.bank, held, asked)
            asked_of = real if after is held else copy.deepcopy(real)  # what refuses must not have changed
            answer = await asked_of.ask(asked)
            where = f"{asked} where {model.shown(model.initial._replace(held=held))}"
            assert ("receipt" if isinstance(answer, Receipt) else answer.code.value) == said, where
            if after in reachable and after not in brought:
                brought[after] = asked_of
                queue.append((after, asked_of))
            elif after is not held:
                assert await asked_of.shows() == _shown(after), where
        assert await real.shows() == _shown(held)
    assert brought.keys() == reachable
