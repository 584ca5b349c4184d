"""The first model: nobody can be trusted but the ledgers and a quorum. Anybody sends any operation, at any time.

Evidence is never unlearned here, so that whatever was, or could have been, sent may land at any later time, any number
of times or never: late, duplicated and lost messages need no state of their own. Shortages, freezes and expulsions
only make an operation wait, which it may do anyway.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tests.protocol_model.attestors import FACTS, Attestors, Fact, Votes
from tests.protocol_model.ledgers import Bank, Ledger, Ledgers, Row, Terms
from tests.protocol_model.properties import OF_LEDGERS, Invariants
from tests.protocol_model.rules import Rules
from tests.protocol_model.search import Action
from tests.protocol_model.sentences import of_operation, of_rows


class State(NamedTuple):
    """Everything there is: what the ledgers hold and what attestors have signed."""

    held: Ledgers
    votes: Votes


class Orchestrated:
    """Two ledgers and four attestors, in the hands of whoever means ill."""

    def __init__(
        self,
        rules: Rules,
        terms: tuple[Terms, ...],
        *,
        dishonest: int,
        restores: bool = False,
        one_deadline: bool = False,
    ) -> None:
        """`restores`: either ledger may be restored from an old backup. `one_deadline`: all terms' settle_by agree."""
        self.bank = Bank(rules, terms)
        self.attestors = Attestors(self.bank, dishonest)
        self._invariants = Invariants(self.bank)
        self._restores = restores
        numbers = range(len(terms))
        self._deadlines = (frozenset(numbers),) if one_deadline else tuple(frozenset({number}) for number in numbers)
        self._keys = tuple(sorted(set(self.bank.keys)))

    @property
    def initial(self) -> State:
        """Nothing stands, nothing is signed but the terms."""
        return State(self.bank.empty, self.attestors.none)

    @property
    def properties(self) -> Sequence[str]:
        """The design's invariants, and that no certificate lies."""
        return (*OF_LEDGERS, "certificates_are_true", "one_certified_verdict")

    def broken_in(self, state: State) -> Collection[str]:
        """What does not hold of the ledgers, or of what can be certified."""
        broken = self._invariants.broken_in(state.held)
        lies = self._lies(state)
        return [*broken, *lies] if lies else broken

    def broken_by(self, before: State, action: Action, after: State) -> Collection[str]:
        """What does not hold of an effect; a restore undoes, and repeats, what was judged when it was done."""
        if action.verb in ("restore", "enter again"):
            return ()
        willed = action.about if action.verb == "void" and not action.honest else None
        return self._invariants.broken_by(before.held, after.held, willed=willed)

    def steps(self, state: State) -> Iterator[tuple[Action, State]]:
        """Clocks cross, attestors look, ledgers are asked; whatever a ledger refuses changes nothing."""
        held, votes = state
        yield from self._clocks(state)
        for key in self._keys:
            for fact in FACTS:
                for became in self.attestors.more_votes(held, votes, key, fact):
                    yield Action("attest", key, fact), State(held, became)
        for action, after in self._operations(state):
            if after is not held:
                yield action, State(after, votes)
        if self._restores:
            yield from self._restoring(state)

    def is_end(self, state: State) -> bool:
        """Whether nothing stands or all that stands is served."""
        return not state.held.closed and not any(row.is_open for row in state.held.rows)

    def told(self, before: State, action: Action, after: State) -> str:
        """A step in the design's words."""
        verb, about, detail, _ = action
        name = self.bank.terms[about].name if self.bank.rules.key == "terms_hash" else "the settlement_id"
        match verb:
            case "attest":
                signed = self.attestors.honest_signers(after.votes, about, _fact(detail))
                plural = "" if signed == 1 else "s"
                return f"an honest attestor signs {detail} of {name}: {signed} honest signature{plural}"
            case "pay" | "release" | "refund" if detail:
                honest = self.attestors.honest_signers(before.votes, self.bank.keys[about], _fact(detail))
                lent = max(0, self.bank.rules.quorum - honest)
                signers = f"{honest} honest" + (f" and {lent} dishonest" if lent else "")
                return of_operation(self.bank, verb, about, f"{detail} certificate, signed by {signers}")
            case _:
                return of_operation(self.bank, verb, about, detail)

    def shown(self, state: State) -> str:
        """The rows."""
        return of_rows(self.bank, state.held)

    def _clocks(self, state: State) -> Iterator[tuple[Action, State]]:
        held, votes = state
        for numbers in self._deadlines:
            if not numbers <= held.asset_past:
                after = held._replace(asset_past=held.asset_past | numbers)
                yield Action("asset clock", min(numbers)), State(after, votes)
            if not numbers <= held.payment_past:
                after = held._replace(payment_past=held.payment_past | numbers)
                yield Action("payment clock", min(numbers)), State(after, votes)

    def _operations(self, state: State) -> Iterator[tuple[Action, Ledgers]]:
        """Every operation on every terms, with a certificate wherever one can be had or forged, else with none."""
        held, votes, bank = state.held, state.votes, self.bank
        for number, key in enumerate(bank.keys):
            has = {fact: self.attestors.certified(votes, key, fact) for fact in FACTS}
            is_honest = {fact: self.attestors.certified_by_honest(votes, key, fact) for fact in FACTS}
            shown = {fact: fact if has[fact] else "" for fact in FACTS}
            locked = Action("pay", number, shown["LOCKED"], is_honest["LOCKED"])
            paid = Action("release", number, shown["PAID"], is_honest["PAID"])
            voided = Action("refund", number, shown["VOIDED"], is_honest["VOIDED"])
            willed = Action("void", number, "consent or operators' order", honest=False)
            yield Action("lock", number), bank.lock(held, number)[0]
            yield locked, bank.pay(held, number, certified=has["LOCKED"])[0]
            yield Action("void", number, "its own clock"), bank.void(held, number, willed=False)[0]
            yield willed, bank.void(held, number, willed=True)[0]
            yield paid, bank.release(held, number, certified=has["PAID"])[0]
            yield voided, bank.refund(held, number, certified=has["VOIDED"])[0]

    def _restoring(self, state: State) -> Iterator[tuple[Action, State]]:
        """A backup lacks everything; the ledger stays closed until every signed fact is there again (hazard 22)."""
        held, votes = state
        ledgers: tuple[Ledger, ...] = ("asset", "payment")
        for ledger in ledgers:
            if ledger not in held.closed:
                if any(row.lock if ledger == "asset" else row.decided for row in held.rows):
                    restored = self.bank.restore(held, ledger)
                    yield Action("restore", detail=ledger, honest=False), State(restored, votes)
                continue
            missing, rules = self._missing(state, ledger), self.bank.rules
            # nobody can ask for votes that were not kept
            if not missing or not rules.opens_with_every_vote or not rules.attestors_keep_votes:
                yield Action("open", detail=ledger), State(held._replace(closed=held.closed - {ledger}), votes)
            for key, fact in missing:
                yield Action("enter again", key, fact), State(self.bank.enter_again(held, key, fact), votes)

    def _missing(self, state: State, ledger: Ledger) -> list[tuple[int, Fact]]:
        """What honest attestors have signed of a ledger and it does not show; a lock that has ended was there."""
        return [
            (key, fact)
            for key in self._keys
            for fact in FACTS
            if _ledger_of(fact) == ledger
            and self.attestors.honest_signers(state.votes, key, fact)
            and not _stands(state.held.rows[key], fact)
        ]

    def _lies(self, state: State) -> list[str]:
        """What can be certified though it is not so, or though its contrary can be too."""
        held, votes = state
        broken: list[str] = []
        for key in self._keys:
            certified = [fact for fact in FACTS if self.attestors.certified(votes, key, fact)]
            was = {fact for fact in FACTS if _ledger_of(fact) in held.closed or _shows(held.rows[key], fact)}
            if not was.issuperset(certified):
                broken.append("certificates_are_true")
            if "PAID" in certified and "VOIDED" in certified:
                broken.append("one_certified_verdict")
        return broken


def _ledger_of(fact: Fact) -> Ledger:
    return "asset" if fact == "LOCKED" else "payment"


def _stands(row: Row, fact: Fact) -> bool:
    """Whether the ledger holds what the fact is about; a tombstone stands for a lock that was, or never will be."""
    return bool(row.lock) if fact == "LOCKED" else fact in row.verdicts


def _shows(row: Row, fact: Fact) -> bool:
    return row.lock_of >= 0 if fact == "LOCKED" else fact in row.verdicts


def _fact(name: str) -> Fact:
    return next(fact for fact in FACTS if fact == name)
