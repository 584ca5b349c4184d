"""Judges a run from the ledgers alone: what all terms came to, and whether every account holds what that makes.

What clients were told is compared with it, never the other way round. Repairs nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from interlock.protocol import Outcome
from tests.chaos.books import Books
from tests.chaos.register import Claim, Ending, Register

_VOIDED = {"consent": Ending.CONSENTED, "operators": Ending.ORDERED, "time": Ending.EXPIRED}
_TOLD = {
    Ending.SETTLED: {Outcome.SETTLED},
    Ending.CONSENTED: {Outcome.CANCELLED},
    Ending.ORDERED: {Outcome.CANCELLED},
    Ending.EXPIRED: {Outcome.EXPIRED},
    Ending.UNTOUCHED: {Outcome.REJECTED, Outcome.EXPIRED, Outcome.CANCELLED},
}


@dataclass(frozen=True)
class Judgement:
    """How many terms came to each ending, and a sentence for everything that is wrong, by settlement id or account."""

    endings: Counter[str]
    wrong: tuple[str, ...]


def standing(terms_hash: str, asset: Books, payment: Books) -> str:
    """The rows of both ledgers for these terms, in words."""
    lock, verdict = asset.locks.get(terms_hash), payment.verdicts.get(terms_hash)
    locked = "no lock" if lock is None else f"{lock.state} {'tombstone' if lock.tombstone else 'lock'}"
    return f"{f'{verdict.verdict} by {verdict.authority}' if verdict else 'no verdict'}, {locked}"


def ending(terms_hash: str, asset: Books, payment: Books) -> Ending | None:
    """What terms have come to; None while they have not ended, or have ended as nothing may."""
    lock, verdict = asset.locks.get(terms_hash), payment.verdicts.get(terms_hash)
    if lock is None and verdict is None:
        return Ending.UNTOUCHED
    if lock is None or verdict is None:
        return None
    match verdict.verdict, lock.state, lock.tombstone:
        case "PAID", "released", False:
            return Ending.SETTLED
        case "VOIDED", "refunded", _:
            return _VOIDED[verdict.authority]
    return None


def judge(register: Register, asset: Books, payment: Books) -> Judgement:
    """Everything that can be said once nothing is under way any more."""
    endings: Counter[str] = Counter()
    wrong: list[str] = []
    settled: list[Claim] = []
    for claim in register.claims.values():
        came_to = ending(claim.terms_hash, asset, payment)
        endings[came_to.value if came_to else "NOT ENDED"] += 1
        wrong += (f"{_name(claim)}: {text}" for text in _objections(claim, came_to, asset, payment))
        if came_to is not Ending.UNTOUCHED and (row := asset.locks.get(claim.terms_hash)):
            claim.ended_at = row.ended_at
        claim.ending = came_to
        if claim.settled:
            settled.append(claim)
    wrong += _rivals(register, asset, payment)
    wrong += _strangers(register, asset, payment)
    wrong += _balances(register, settled, asset, payment)
    return Judgement(endings, tuple(wrong))


def _name(claim: Claim) -> str:
    return f"{claim.terms.settlement_id} ({claim.plot}, {claim.terms_hash[:10]})"


def _objections(claim: Claim, came_to: Ending | None, asset: Books, payment: Books) -> Iterator[str]:
    if came_to is None:
        yield f"has not ended: {standing(claim.terms_hash, asset, payment)}"
        return
    if came_to not in claim.allowed:
        yield f"{came_to.value}, and could only become {', '.join(sorted(claim.allowed))}"
    verdict = payment.verdicts.get(claim.terms_hash)
    if came_to is Ending.EXPIRED and verdict is not None and verdict.at < claim.terms.settle_by:
        yield f"voided by time at {verdict.at:%H:%M:%S.%f}, before {claim.terms.settle_by:%H:%M:%S.%f}"
    if came_to is Ending.SETTLED and verdict is not None and verdict.at >= claim.terms.settle_by:
        yield f"paid at {verdict.at:%H:%M:%S.%f}, past {claim.terms.settle_by:%H:%M:%S.%f}"
    told = claim.report
    if told is not None and told.terms_hash == claim.terms_hash and told.outcome not in _TOLD[came_to]:
        yield f"{came_to.value}, and the client was told {told.outcome}"


def _rivals(register: Register, asset: Books, payment: Books) -> Iterator[str]:
    """Of several terms of one id and deliverer, at most one had a lock that moved units, or a payment."""
    for rivals in register.rivals:
        locks = [each for each in rivals if (row := asset.locks.get(each)) and not row.tombstone]
        paid = [each for each in rivals if (said := payment.verdicts.get(each)) and said.verdict == "PAID"]
        if len(locks) > 1 or len(paid) > 1:
            first = register.claims[rivals[0]]
            yield f"{_name(first)}: {len(locks)} of its terms moved units, {len(paid)} cash"


def _strangers(register: Register, asset: Books, payment: Books) -> Iterator[str]:
    """Rows of terms that nobody here has signed."""
    for terms_hash in (asset.locks.keys() | payment.verdicts.keys()) - register.claims.keys():
        yield f"{terms_hash}: nobody signed it, and there is: {standing(terms_hash, asset, payment)}"


def _balances(register: Register, settled: Iterable[Claim], asset: Books, payment: Books) -> Iterator[str]:
    """Every account must hold what it was given, less what it delivered, plus what it received; no other any."""
    expected: Counter[tuple[str, str]] = Counter(register.given)
    for claim in settled:
        for leg in (claim.terms.delivery, claim.terms.payment):
            expected[leg.ledger, leg.deliverer] -= leg.quantity
            expected[leg.ledger, leg.receiver] += leg.quantity
    held: Counter[tuple[str, str]] = Counter()
    for ledger, seen in (("asset", asset), ("payment", payment)):
        for holding in seen.holdings:
            if holding.issues is None:
                held[ledger, holding.account] += holding.balance
    for place in sorted(expected.keys() | held.keys()):
        if held[place] != expected[place]:
            ledger, account = place
            yield f"account {account} holds {held[place]} on ledger {ledger}, its trades make it {expected[place]}"
