"""Whether answers can be explained: one request by the model, requests sent at once by some order of them.

That some order explains the answers, and what the ledgers show afterwards, is linearizability.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from interlock.protocol import Check, Lock, Receipt, Refusal, SignedTerms, Verdict
from tests.ledgers.machine import operations, orders
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.model import LedgerModel, World
from tests.ledgers.machine.operations import Expected
from tests.ledgers.machine.sending import Accounts, Sent, Told
from tests.ledgers.machine.trades import PEOPLE, Trade, moment
from tests.world import NETWORK

OPERATIONS = {asked.Order: "order", asked.Resume: "order"}


@dataclass(frozen=True)
class Seen:
    """What the ledgers show when nothing is under way: accounts, who is left out, rows of trades that were touched."""

    accounts: Mapping[str, Accounts]
    left_out: Mapping[str, frozenset[str]]
    locks: Mapping[tuple[str, Trade], Lock | None]
    verdicts: Mapping[tuple[str, Trade], Verdict | None]


def explanation(world: World, answered: Sequence[tuple[Sent, Told]], seen: Seen) -> World | None:
    """The world after the requests, in an order that explains each answer and what is seen; None if there is none."""
    if not answered:
        return world if differences(world, seen) == [] else None
    tried: list[tuple[asked.Request, Told]] = []
    for number, (sent, answer) in enumerate(answered):
        if (sent.request, answer) in tried:
            continue
        tried.append((sent.request, answer))
        after = admitted(world, sent, answer)
        if after is None:
            continue
        found = explanation(after, [*answered[:number], *answered[number + 1 :]], seen)
        if found is not None:
            return found
    return None


def admitted(world: World, sent: Sent, answer: Told) -> World | None:
    """The world after the answer, if the model admits it as the next one; None if it does not."""
    request = sent.request
    ledger = world[request.ledger]
    if isinstance(request, asked.Tick):
        return _changed(world, ledger, lambda other: setattr(other, "now", instants(request)))
    expected = expectation(ledger, sent)
    if not isinstance(expected, Expected):
        return world if _same(expected, answer) else None
    if isinstance(answer, Refusal):
        return world if answer.code in expected.codes and answer.text else None
    if not isinstance(answer, Receipt):
        return None
    if expected.first is not None:
        return world if answer == expected.first else None
    effect = expected.effect
    if effect is None or not _is_new(ledger, sent, answer):
        return None
    return _changed(world, ledger, lambda other: effect(other, answer))


def expectation(ledger: LedgerModel, sent: Sent) -> object:
    """What the model expects: of an operation `Expected`, of a question its answer (of a check, perhaps refusals)."""
    request = sent.request
    match request:
        case asked.Order():
            return orders.order(ledger, request)
        case asked.Accuse():
            return orders.accuse(ledger, request)
        case asked.Resume():
            return orders.resume(ledger, request)
        case asked.Lock():
            return operations.lock(ledger, request, sent.signed)
        case asked.Void():
            return operations.void(ledger, request, sent.signed, sent.content)
        case asked.Pay() | asked.Release() | asked.Refund():
            return _on_certificate(ledger, request, sent)
    return _told(ledger, request)


def _on_certificate(ledger: LedgerModel, request: asked.Pay | asked.Release | asked.Refund, sent: Sent) -> Expected:
    assert sent.shown is not None
    match request:
        case asked.Pay():
            return operations.pay(ledger, request, sent.shown, sent.signed, sent.content)
        case asked.Release():
            return operations.release(ledger, request, sent.shown, sent.content)
        case asked.Refund():
            return operations.refund(ledger, request, sent.shown, sent.content)


def _told(ledger: LedgerModel, request: asked.Request) -> object:
    match request:
        case asked.LockOf():
            return lock_row(ledger, request.trade)
        case asked.VerdictOf():
            return verdict_row(ledger, request.trade)
        case asked.AttestorsOf():
            counts = ledger.counts(request.trade.coordinator)
            return counts.attestors if counts else None
        case asked.Accounts():
            return accounts(ledger)
        case asked.Check():
            lock, verdict = lock_row(ledger, request.trade), verdict_row(ledger, request.trade)
            stands = lock is not None or verdict is not None
            return Check(lock=lock, verdict=verdict) if stands else operations.check(ledger, request)
    raise AssertionError(request)


def _same(expected: object, answer: Told) -> bool:
    if isinstance(expected, frozenset):  # refusals of a check, none if it would do its part
        assert isinstance(answer, Check)
        stands = answer.lock is not None or answer.verdict is not None
        return not stands and (answer.refusal.code in expected if answer.refusal else not expected)
    return answer == expected


def _is_new(ledger: LedgerModel, sent: Sent, receipt: Receipt) -> bool:
    """Whether the receipt says what was done, where and when, and is nobody else's."""
    request = sent.request
    others = [*ledger.orders.values(), *(row.receipt for row in ledger.verdicts.values())]
    others += [each for row in ledger.locks.values() for each in (row.locked, row.ended) if each]
    digest = request.trade.hash if isinstance(request, asked.AboutTrade) else receipt.terms_hash
    operation = OPERATIONS.get(type(request), type(request).__name__.lower())
    said = (receipt.ledger, receipt.operation.value, receipt.terms_hash, receipt.at)
    return said == (ledger.name, operation, digest, moment(ledger.now)) and not any(
        receipt.position == other.position or receipt.reference == other.reference for other in others
    )


def _changed(world: World, ledger: LedgerModel, change: Callable[[LedgerModel], None]) -> World:
    other = ledger.copied()
    change(other)
    return {**world, ledger.name: other}


def instants(tick: asked.Tick) -> int:
    """What a clock is set to, in instants after noon."""
    return tick.second * 1_000_000 + tick.instants


def lock_row(ledger: LedgerModel, trade: Trade) -> Lock | None:
    """The row as a ledger tells it. A tombstone has the terms without signatures."""
    row = ledger.locks.get(trade)
    if row is None:
        return None
    signed = row.signed or SignedTerms(network=NETWORK, terms=trade.terms, signatures=())
    return Lock(terms_hash=trade.hash, state=row.state, signed=signed, locked=row.locked, ended=row.ended)  # type: ignore[arg-type]


def verdict_row(ledger: LedgerModel, trade: Trade) -> Verdict | None:
    """The row as a ledger tells it."""
    row = ledger.verdicts.get(trade)
    if row is None:
        return None
    return Verdict(
        terms_hash=trade.hash,
        verdict=row.kind,
        signed=row.signed,  # type: ignore[arg-type]
        authority=row.authority,  # type: ignore[arg-type]
        receipt=row.receipt,
    )


def accounts(ledger: LedgerModel) -> Accounts:
    """Every account, as `sending.accounts` tells it."""
    told = []
    for name, account in sorted(ledger.accounts.items()):
        held = sorted((asset, units) for (holder, asset), units in ledger.balances.items() if holder == name and units)
        told.append((name, PEOPLE[account.owner].address, account.admitted, account.frozen, tuple(held)))
    return tuple(told)


def differences(world: World, seen: Seen) -> list[str]:
    """What is seen and not so in this world."""
    wrong = []
    for name, told in seen.accounts.items():
        if told != accounts(world[name]):
            wrong.append(f"ledger {name} shows accounts {told}, not {accounts(world[name])}")
    for name, left_out in seen.left_out.items():
        if left_out != world[name].left_out:
            wrong.append(f"ledger {name} leaves out {set(left_out)}, not {set(world[name].left_out)}")
    for (name, trade), lock in seen.locks.items():
        if lock != lock_row(world[name], trade):
            wrong.append(f"ledger {name} shows lock {lock} of {trade}, not {lock_row(world[name], trade)}")
    for (name, trade), verdict in seen.verdicts.items():
        if verdict != verdict_row(world[name], trade):
            wrong.append(f"ledger {name} shows verdict {verdict} of {trade}, not {verdict_row(world[name], trade)}")
    return wrong
