"""The settlement's workflow: what one run knows, which step it takes next, and what follows from the answer.

The order of steps is `interlock/workflows/settlement.py`'s and `matching.py`'s. A step is one request to one ledger and
its answer; two of them are never one transaction, so anything may happen in between.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tests.protocol_model.ledgers import Bank, Ledgers, Row
from tests.protocol_model.rules import Rules

At = Literal[
    "look_lock", "look_verdict", "proposed", "last_look_lock", "last_look_verdict", "check", "decide", "serve", "ended"
]
UNMATCHED: frozenset[At] = frozenset({"look_lock", "look_verdict", "proposed", "last_look_lock", "last_look_verdict"})
Outcome = Literal["", "SETTLED", "CANCELLED", "EXPIRED", "REJECTED"]


class Run(NamedTuple):
    """What one run knows; all that it knows dies with it."""

    at: At
    leaving: Outcome = ""
    delivery: str = ""
    payment: str = ""
    lock: str = ""
    lock_certified: bool = False
    verdict: str = ""
    verdict_certified: bool = False
    deadline_seen: bool = False
    willed: bool = False
    outcome: Outcome = ""
    stood: bool = False
    """Not known to the run: whether a ledger had a row when it decided to end, or to check. For the properties."""
    sent_lock: bool = False
    """Likewise: whether this very run has sent a lock before its check was answered."""


class Surroundings(NamedTuple):
    """What a run meets: the ledgers, its engine's clock, and whether the payment ledger would do its part."""

    held: Ledgers
    engine_past: bool
    willing: bool


class Move(NamedTuple):
    """A step of a run: what is asked, what the answer was, what the ledgers hold then and what the run knows."""

    verb: str
    answer: str
    held: Ledgers
    run: Run


class Workflow:
    """The honest workflow of one settlement, whose terms are the bank's first."""

    def __init__(self, rules: Rules, bank: Bank) -> None:
        self._rules = rules
        self._bank = bank

    def begin(self, held: Ledgers, *, both: bool) -> Run:
        """A new run, started with one party's signature or with both."""
        if both:
            return self.matched(Run("check"), held)
        return Run("look_lock" if self._rules.reads_ledgers_first else "proposed")

    def matched(self, run: Run, held: Ledgers) -> Run:
        """Both have signed, as far as this run knows; the check comes next."""
        beside = not self._rules.checks_before_lock
        return run._replace(at="check", leaving="", stood=_stands(self._bank, held), sent_lock=beside)

    def leave(self, run: Run, held: Ledgers, outcome: Outcome) -> Run:
        """Nothing matched, and nothing will: end, once neither ledger shows a row."""
        run = run._replace(stood=_stands(self._bank, held))
        if not self._rules.reads_ledgers_first:
            return run._replace(at="ended", outcome=outcome)
        return run._replace(at="last_look_lock", leaving=outcome)

    def sends(self, run: Run, engine_past: bool) -> str:
        """The operation that the run asks for now, if it asks for one: its attempt may get lost, or land late."""
        match run.at:
            case "decide" if self._may_void(run, engine_past):
                return "void by will" if run.willed else "void by time"
            case "decide" if not run.lock:
                return "lock"
            case "decide" if run.lock_certified:
                return "pay"
            case "serve" if run.verdict_certified:
                return "release" if run.verdict == "PAID" else "refund"
            case _:
                return ""

    def moves(self, run: Run, around: Surroundings) -> Iterator[Move]:
        """Every answer that the run's next step may get."""
        match run.at:
            case "look_lock" | "look_verdict" | "last_look_lock" | "last_look_verdict":
                yield self._look(run, around.held)
            case "proposed" if around.engine_past:
                yield Move("wait", "settle_by has passed", around.held, self.leave(run, around.held, "EXPIRED"))
            case "check":
                yield from self._check(run, around)
            case "decide":
                yield from self._decide(run, around)
            case "serve":
                yield self._serve(run, around.held)

    def _look(self, run: Run, held: Ledgers) -> Move:
        """First the asset ledger, then the payment ledger; a row of both parties' signatures is the match."""
        row = self._bank.row(held, 0)
        if run.at.endswith("lock"):
            # a tombstone holds no signatures, and so is no match; the verdict that it stands on does
            if row.lock not in ("", "tombstone"):
                return Move("lock_of", row.lock, held, self.matched(run, held))
            at: At = "look_verdict" if run.at == "look_lock" else "last_look_verdict"
            return Move("lock_of", row.lock or "none", held, run._replace(at=at))
        if row.decided:
            return Move("verdict_of", _verdict(row), held, self.matched(run, held))
        if run.leaving:
            return Move("verdict_of", "none", held, run._replace(at="ended", outcome=run.leaving, leaving=""))
        return Move("verdict_of", "none", held, run._replace(at="proposed"))

    def _check(self, run: Run, around: Surroundings) -> Iterator[Move]:
        """Both ledgers are asked at once, and answer in any order; what follows, follows when both have answered."""
        held, row = around.held, self._bank.row(around.held, 0)
        if not run.delivery:
            delivery = row.lock or ("no" if 0 in held.asset_past else "ok")
            yield Move("check delivery", delivery, held, self._checked(run._replace(delivery=delivery), row))
        if not run.payment:
            refused = 0 in held.payment_past or not around.willing
            payment = _verdict(row) if row.decided else ("no" if refused else "ok")
            yield Move("check payment", payment, held, self._checked(run._replace(payment=payment), row))

    def _checked(self, run: Run, row: Row) -> Run:
        delivery, payment = run.delivery, run.payment
        if not delivery or not payment:
            return run
        run = run._replace(delivery="", payment="")
        stands = payment not in ("ok", "no")
        if delivery in ("ok", "no"):
            if stands:
                return self._learn(run, payment)
            if "no" in (delivery, payment):
                return run._replace(at="ended", outcome="REJECTED")
            return run._replace(at="decide")
        run = run._replace(at="decide", lock=delivery)
        # a lock that has ended has a verdict, though the payment ledger may have been asked too early to show it
        return self._learn(run, _verdict(row)) if stands or delivery != "locked" else run

    def _decide(self, run: Run, around: Surroundings) -> Iterator[Move]:
        """Lock, attest, pay; or void. Ends only when a verdict stands, whoever brought it about."""
        bank, held, verb = self._bank, around.held, self.sends(run, around.engine_past)
        row = bank.row(held, 0)
        match verb:
            case "void by will":
                yield self._decided(run, verb, bank.void(held, 0, willed=True))
                if not row.decided:
                    yield Move(verb, "authority_expired", held, run._replace(willed=False))
            case "void by time":
                yield self._decided(run, verb, bank.void(held, 0, willed=False))
            case "lock":
                after, answer = bank.lock(held, 0)
                if answer == "receipt":
                    yield Move(verb, answer, after, run._replace(lock="locked"))
                else:
                    yield self._heed(run, verb, answer, after)
            case "pay" if not around.willing and not row.decided:
                yield Move(verb, "not_admitted", held, run)
            case "pay":
                yield self._decided(run, verb, bank.pay(held, 0, certified=True))
            case _ if row.lock == "locked":
                yield Move("attest LOCKED", "certificate", held, run._replace(lock_certified=True))
            case _:
                yield self._heed(run, "attest LOCKED", "no_quorum", held)

    def _decided(self, run: Run, verb: str, answered: tuple[Ledgers, str]) -> Move:
        after, answer = answered
        if answer == "receipt":
            return Move(verb, answer, after, self._learn(run, _verdict(self._bank.row(after, 0))))
        return self._heed(run, verb, answer, after)

    def _heed(self, run: Run, verb: str, answer: str, held: Ledgers) -> Move:
        """What a no means: the verdict stands already, the deadline is past, or it is to be waited for."""
        row = self._bank.row(held, 0)
        if answer in ("already_paid", "already_voided", "terms_closed", "no_quorum") and row.decided:
            run = self._learn(run, _verdict(row))
        elif answer == "deadline_passed":
            run = run._replace(deadline_seen=True)
        return Move(verb, answer, held, run)

    def _serve(self, run: Run, held: Ledgers) -> Move:
        """Attest the verdict, then release or refund on it. Only forward."""
        if not run.verdict_certified:
            return Move(
                f"attest {run.verdict.split(maxsplit=1)[0]}", "certificate", held, run._replace(verdict_certified=True)
            )
        if run.verdict == "PAID":
            after, answer = self._bank.release(held, 0, certified=True)
        else:
            after, answer = self._bank.refund(held, 0, certified=True)
        return Move(self.sends(run, False), answer, after, self._end(run) if answer == "receipt" else run)

    def _learn(self, run: Run, verdict: str) -> Run:
        run = Run("serve", lock=run.lock, verdict=verdict)  # nothing else that it knew matters any more
        ends = ("released",) if verdict == "PAID" else ("refunded", "tombstone")
        return self._end(run) if run.lock in ends else run

    def _end(self, run: Run) -> Run:
        outcome: Outcome = "SETTLED" if run.verdict == "PAID" else "CANCELLED"
        return Run("ended", verdict=run.verdict, outcome="EXPIRED" if run.verdict == "VOIDED by time" else outcome)

    def _may_void(self, run: Run, engine_past: bool) -> bool:
        return run.willed or run.deadline_seen or engine_past


def _stands(bank: Bank, held: Ledgers) -> bool:
    row = bank.row(held, 0)
    return bool(row.lock) or row.decided


def _verdict(row: Row) -> str:
    """The verdict, and who voided: that names the outcome."""
    return "PAID" if "PAID" in row.verdicts else f"VOIDED by {row.voided_by}"
