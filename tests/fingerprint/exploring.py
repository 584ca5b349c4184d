"""The scripts: from each beginning, every run in which one thing goes otherwise, and what may be said at each wait.

A script's name says all of it: "both sign, apart | 4 pay: fault | 5 both consent". Nothing is chosen at random.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from interlock.protocol import LockState, SignedTerms, Terms, VerdictKind
from interlock.protocol.instructions import RunStart, SettlementStart, Sweep
from interlock.protocol.names import CANCEL, INSTRUCT, LOOK_AGAIN, ORDER, REDIRECT, WITHDRAW, Role
from interlock.workflows import conversation
from interlock.workflows.settlement_workflow import SettlementWorkflow
from interlock.workflows.sweep import SweepWorkflow
from tests.fingerprint.answers import Answers
from tests.fingerprint.driving import BEGINS, Asked, Cancel, Driven, GrownLong, Said, Signal, Update
from tests.world import BUYER, NETWORK, SELLER, World

DECISIONS = 40
"""A run that has not ended by then is left alone: what it issued until then counts."""

TOGETHER = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)
Deviation = tuple[int, str]


class _People(World):
    """The tests' parties and operators, without ledgers."""

    def __init__(self) -> None:
        self._number = count(1)


_PEOPLE = _People()
TERMS = _PEOPLE.terms(settlement_id="SCRIPT-1", settle_by=BEGINS + timedelta(hours=6))
_OTHER_TERMS = _PEOPLE.terms(settlement_id="SCRIPT-1", settle_by=BEGINS + timedelta(hours=7))
_UNTIL = BEGINS + timedelta(hours=24)


def _signed(terms: Terms, *signers: Any) -> SignedTerms:
    return _PEOPLE.signed(terms, *signers)


def _consent(party: Any) -> Update:
    return Update(CANCEL, party.sign_cancellation(TERMS, NETWORK, valid_until=_UNTIL))


MESSAGES: Mapping[str, Sequence[Said]] = {
    "both sign": [Update(INSTRUCT, _signed(TERMS))],
    "the seller signs": [Update(INSTRUCT, _signed(TERMS, SELLER))],
    "the buyer signs": [Update(INSTRUCT, _signed(TERMS, BUYER))],
    "the buyer signs other terms": [Update(INSTRUCT, _signed(_OTHER_TERMS, BUYER))],
    "the seller withdraws": [Update(WITHDRAW, SELLER.sign_withdrawal(TERMS, NETWORK))],
    "the seller consents": [_consent(SELLER)],
    "both consent": [_consent(SELLER), _consent(BUYER)],
    "operators void": [Update(ORDER, _PEOPLE.operators_order(TERMS, "void", valid_until=_UNTIL))],
    "operators resume": [Update(ORDER, _PEOPLE.operators_order(TERMS, "resume", valid_until=_UNTIL))],
    "redirected": [Update(REDIRECT, _PEOPLE.redirection(TERMS, "northbank-2"))],
    "look again": [Signal(LOOK_AGAIN)],
    "raw cancel request": [Cancel()],
    "grown long": [GrownLong()],
    "grown long, looks again": [GrownLong(), Signal(LOOK_AGAIN)],
}
"""Everything that may be said to a settlement while it runs."""


AT_A_WAIT = (
    *("the buyer signs", "the seller withdraws", "both consent", "operators void", "operators resume", "redirected"),
    *("look again", "raw cancel request", "grown long"),
)
"""What a settlement that waits may go on from."""

WAITS_OF = ("both sign, apart", "the seller signs, apart")
"""The beginnings whose waits are looked at: those of the others are the same."""

WHOLE = ("both sign, apart", "both sign, here", "the seller signs, apart", "the seller signs, here", "sweep")
"""The beginnings that are varied at every decision; the others only at the first few, after which they are the same."""

OWN_DECISIONS = 4
OF_MISCONDUCT = ("attest", "accuse")
"""Where an attestor contradicts itself, only the decisions on these steps are varied: the others are the same."""


@dataclass(frozen=True)
class Beginning:
    """How a run begins, and what stands on the ledgers then."""

    name: str
    kind: type
    argument: Any
    said: str = ""
    lock: LockState | None = None
    verdict: VerdictKind | None = None
    misconduct: bool = False

    @property
    def is_settlement(self) -> bool:
        """Whether anything can be said to it."""
        return self.kind is SettlementWorkflow


def _beginnings() -> Iterator[Beginning]:
    about = SettlementStart.of(TERMS, NETWORK)
    for where, roles in (("apart", ()), ("here", TOGETHER)):
        start, proposed = (RunStart.saying(about, local_roles=roles, proposed=each) for each in (None, _signed(TERMS)))
        yield Beginning(f"both sign, {where}", SettlementWorkflow, start, "both sign")
        yield Beginning(f"started with the terms, {where}", SettlementWorkflow, proposed)
        yield Beginning(f"the seller signs, {where}", SettlementWorkflow, start, "the seller signs")
        yield Beginning(f"found locked, {where}", SettlementWorkflow, start, "the seller signs", LockState.LOCKED)
        for verdict in VerdictKind:
            name = f"found {verdict}, {where}"
            yield Beginning(name, SettlementWorkflow, proposed, "", LockState.LOCKED, verdict)
        lied = f"an attestor contradicts itself, {where}"
        yield Beginning(lied, SettlementWorkflow, start, "both sign", misconduct=True)
    yield Beginning("nobody signs", SettlementWorkflow, about)
    yield Beginning("sweep", SweepWorkflow, Sweep())
    yield Beginning("sweep in pages", SweepWorkflow, Sweep(batch=1))


BEGINNINGS = tuple(_beginnings())


@dataclass
class Run:
    """A script that was played: what the workflow issued, and what else could have happened at each decision."""

    driven: Driven
    options: list[tuple[bool, list[str]]]
    """For each decision: whether nothing was asked, so that the run waited; and the names of what may go otherwise."""


def play(beginning: Beginning, deviations: Sequence[Deviation], *, patches: bool) -> Run:
    """Let all go well but for the deviations. What people are shown is left out: half of the time, and no command."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conversation, "details_of", lambda *_: "")
        return _played(beginning, deviations, patches=patches)


def _played(beginning: Beginning, deviations: Sequence[Deviation], *, patches: bool) -> Run:
    answers = Answers(_signed(TERMS), beginning.lock, beginning.verdict, misconduct=beginning.misconduct)
    driven = Driven(beginning.kind, beginning.argument, patches)
    driven.start(*MESSAGES[beginning.said] if beginning.said else ())
    left, options = dict(deviations), list[tuple[bool, list[str]]]()
    for number in range(DECISIONS):
        if driven.ended:
            break
        others = _others(driven, answers, beginning)
        options.append((not driven.asked, list(others)))
        name = left.pop(number, None)
        if name is not None:
            others[name]()
        elif not _goes_well(driven, answers):
            break
    return Run(driven, options)


def scripts(*, patches: bool) -> Iterator[tuple[str, Driven]]:
    """Every script, played: its name and its run."""
    for beginning in BEGINNINGS:
        base = play(beginning, [], patches=patches)
        yield beginning.name, base.driven
        for number, (_, names) in enumerate(base.options):
            for name in names if _is_looked_at(beginning, number, names) else ():
                once = play(beginning, [(number, name)], patches=patches)
                yield f"{beginning.name} | {number} {name}", once.driven
                yield from _said_at_the_wait(beginning, (number, name), once, patches=patches)


def _is_looked_at(beginning: Beginning, number: int, names: Sequence[str]) -> bool:
    if beginning.misconduct:
        return any(step in name for name in names for step in OF_MISCONDUCT)
    return beginning.name in WHOLE or number < OWN_DECISIONS


def _said_at_the_wait(
    beginning: Beginning, deviation: Deviation, once: Run, *, patches: bool
) -> Iterator[tuple[str, Driven]]:
    """At the first wait that a refusal or fault leads to, what may be said there."""
    if beginning.name not in WAITS_OF or deviation[1] in MESSAGES:
        return
    later = range(deviation[0] + 1, len(once.options))
    wait = next((number for number in later if once.options[number][0]), None)
    for said in AT_A_WAIT if wait is not None else ():
        twice = play(beginning, [deviation, (wait or 0, said)], patches=patches)
        yield f"{beginning.name} | {deviation[0]} {deviation[1]} | {wait} {said}", twice.driven


def _others(driven: Driven, answers: Answers, beginning: Beginning) -> dict[str, Callable[[], None]]:
    """What may happen now other than what does when all is well, by name."""
    found: dict[str, Callable[[], None]] = {}
    asked = list(driven.asked.values())
    for each in asked:
        for name, answer in answers.others(each).items():
            found[f"{each.name}: {name}"] = partial(_answer, driven, each, answer)
    if len(asked) > 1:
        found[f"{asked[-1].name} first"] = lambda: driven.answer(asked[-1], answers.default(asked[-1]))
    if asked and driven.timers:
        found["a timer first"] = driven.fire
    if beginning.is_settlement and not any(each.here for each in asked):
        found |= {name: partial(driven.say, *said) for name, said in MESSAGES.items()}
    return found


def _answer(driven: Driven, asked: Asked, answer: Callable[[], Any]) -> None:
    driven.answer(asked, answer())  # made up only now: it may say what stands from here on


def _goes_well(driven: Driven, answers: Answers) -> bool:
    """The next thing that happens when all is well; False if nothing will."""
    if driven.asked:
        asked = next(iter(driven.asked.values()))
        driven.answer(asked, answers.default(asked))
    elif answers.nudges:
        answers.nudges -= 1
        driven.say(Signal(LOOK_AGAIN))
    elif driven.timers:
        driven.fire()
    else:
        return False
    return True
