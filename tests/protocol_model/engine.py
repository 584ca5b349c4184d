"""The second model: the honest workflow on an engine that fails. Runs are terminated, or forgotten with everything.

What terminated runs had sent stays under way and may land at any time, also after the settlement has ended; somebody
may act by hand beside the workflow. Attestors answer truly or not at all: lies are the first model's.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tests.protocol_model.ledgers import Bank, Ledgers, Terms
from tests.protocol_model.properties import OF_LEDGERS, Invariants
from tests.protocol_model.rules import Rules
from tests.protocol_model.search import Action
from tests.protocol_model.sentences import of_operation, of_rows
from tests.protocol_model.workflow import UNMATCHED, Outcome, Run, Surroundings, Workflow

WILLED = "void by will"
BY_HAND = ("lock", "pay", "void by time", WILLED, "release", "refund")


class State(NamedTuple):
    """Ledgers, the engine, and what is under way. `run` is None where the engine knows of none that it could show."""

    held: Ledgers
    run: Run | None = None
    engine_past: bool = False
    willing: bool = True
    under_way: frozenset[str] = frozenset()


class Engine:
    """One settlement on an engine whose runs may vanish at any point."""

    def __init__(self, rules: Rules, *, by_hand: bool) -> None:
        """`by_hand`: anybody who holds the evidence may also send operations with no workflow at all."""
        self.bank = Bank(rules, (Terms("A", units=2, money=3),))
        self._rules = rules
        self._workflow = Workflow(rules, self.bank)
        self._by_hand = by_hand
        self._invariants = Invariants(self.bank)

    @property
    def initial(self) -> State:
        """Both parties have signed, and nothing has been sent."""
        return State(self.bank.empty)

    @property
    def properties(self) -> Sequence[str]:
        """The ledgers' invariants, and that a run which has ended had the right to."""
        return (*OF_LEDGERS, "honest_end")

    def broken_in(self, state: State) -> Collection[str]:
        """What does not hold of the ledgers, or of the run's end."""
        broken = self._invariants.broken_in(state.held)
        return broken if self._is_honest_end(state) else [*broken, "honest_end"]

    def broken_by(self, before: State, action: Action, after: State) -> Collection[str]:
        """What does not hold of an effect."""
        return self._invariants.broken_by(before.held, after.held, willed=0 if WILLED in action.detail else None)

    def steps(self, state: State) -> Iterator[tuple[Action, State]]:
        """The run goes on or vanishes, somebody starts another, clocks cross, operations land."""
        yield from self._clocks(state)
        if state.run is None or state.run.at == "ended":
            yield from self._starting(state)
        else:
            yield from self._running(state, state.run)
        for verb in sorted(state.under_way):
            after = self._land(state, verb)
            if after is not state.held:
                yield Action("land", detail=verb, honest=False), self._without_spent(state._replace(held=after))
        for verb in BY_HAND if self._by_hand else ():
            after = self._land(state, verb)
            if after is not state.held:
                yield Action("by hand", detail=verb, honest=False), state._replace(held=after)
        yield Action("expel" if state.willing else "admit", honest=False), state._replace(willing=not state.willing)

    def is_end(self, state: State) -> bool:
        """Nothing stands or all that stands is served, and no run is about it any more."""
        return not self.bank.row(state.held, 0).is_open and (state.run is None or state.run.at == "ended")

    def told(self, before: State, action: Action, after: State) -> str:
        """A step in the design's words."""
        verb, _, detail, _ = action
        match verb:
            case "run":
                ended = after.run.outcome if after.run is not None and after.run.at == "ended" else ""
                return f"the run asks: {detail}" + (f"; the run ends {ended}" if ended else "")
            case "send":
                return f"the run sends {detail}, and hears nothing: it may land at any time"
            case "land":
                return f"what was under way lands: {self._operation(detail)}"
            case "by hand":
                return f"by hand: {self._operation(detail)}"
            case "instruct":
                beside = "; its check and its lock are sent together" if after.under_way > before.under_way else ""
                return f"a run starts with {detail}{beside}"
            case _:
                told = {
                    "terminate": "the run is terminated",
                    "forget": "Temporal's whole database is lost",
                    "sweep": "the sweeper finds something open that no run has taken up, and starts one from the row",
                    "tell": "the sweeper tells the run that both parties had signed",
                    "sign": "the other party's signature reaches the run",
                    "withdraw": "the only party withdraws",
                    "will": "both parties' consent, or two operators' order, to void reaches the run",
                    "engine clock": "the engine's clock passes settle_by",
                    "expel": "operators expel the payer: the payment ledger would not do its part now",
                    "admit": "operators admit the payer again",
                }
                return told.get(verb) or of_operation(self.bank, verb, 0, detail)

    def shown(self, state: State) -> str:
        """The rows, and the run."""
        run = state.run
        about = "no run" if run is None else f"the run has ended {run.outcome}" if run.outcome else f"a run at {run.at}"
        under_way = f", under way: {', '.join(sorted(state.under_way))}" if state.under_way else ""
        return f"{of_rows(self.bank, state.held)}; {about}{under_way}"

    def _clocks(self, state: State) -> Iterator[tuple[Action, State]]:
        held, past = state.held, frozenset({0})
        if not held.asset_past:
            yield Action("asset clock"), state._replace(held=held._replace(asset_past=past))
        if not held.payment_past:
            yield Action("payment clock"), state._replace(held=held._replace(payment_past=past))
        if not state.engine_past:
            yield Action("engine clock"), state._replace(engine_past=True)

    def _starting(self, state: State) -> Iterator[tuple[Action, State]]:
        """A client starts a run where none has completed; the sweeper wherever something is open."""
        if state.run is None:
            # the parties may never care again, so only where nobody sweeps is an end allowed to wait for them
            honest = not self._rules.sweeper
            for detail, both in (("both signatures", True), ("one party's signature", False)):
                yield Action("instruct", detail=detail, honest=honest), self._begin(state, both=both)
        else:
            yield Action("forget", honest=False), state._replace(run=None)
        if self._rules.sweeper and self.bank.row(state.held, 0).is_open:
            yield Action("sweep"), self._begin(state, both=True)

    def _running(self, state: State, run: Run) -> Iterator[tuple[Action, State]]:
        yield Action("terminate", honest=False), state._replace(run=None)
        for move in self._workflow.moves(run, Surroundings(state.held, state.engine_past, state.willing)):
            if (move.held, move.run) != (state.held, run):
                after = state._replace(held=move.held, run=move.run)
                after = self._without_spent(self._with_lock_sent(after))
                yield Action("run", detail=f"{move.verb}: {move.answer}"), after
        verb = self._workflow.sends(run, state.engine_past)
        if verb and verb not in state.under_way and not self._by_hand:  # by hand, anything may land anyway
            yield Action("send", detail=verb), state._replace(under_way=state.under_way | {verb})
        if run.at in UNMATCHED:
            both = self._with_lock_sent(state._replace(run=self._workflow.matched(run, state.held)))
            yield Action("sign", honest=False), both
            if run.at == "proposed":
                gone = self._workflow.leave(run, state.held, "CANCELLED")
                yield Action("withdraw", honest=False), state._replace(run=gone)
            if self._rules.sweeper and self.bank.row(state.held, 0).is_open:
                yield Action("tell"), both
        elif not run.willed and not run.verdict:
            yield Action("will", honest=False), state._replace(run=run._replace(willed=True))

    def _begin(self, state: State, *, both: bool) -> State:
        return self._with_lock_sent(state._replace(run=self._workflow.begin(state.held, both=both)))

    def _with_lock_sent(self, state: State) -> State:
        """Where the check and the lock are sent together, the lock is under way before anything is answered."""
        if state.run is not None and state.run.sent_lock:
            return state._replace(under_way=state.under_way | {"lock"})
        return state

    def _without_spent(self, state: State) -> State:
        """Forget what is under way and can never again change anything, for what it asks for is done or refused."""
        row, spent = self.bank.row(state.held, 0), set[str]()
        if row.lock:
            spent.add("lock")
        if row.decided:
            spent |= {"pay", "void by time", WILLED}
        if row.lock in ("released", "refunded", "tombstone"):
            spent |= {"release", "refund"}
        return state._replace(under_way=state.under_way - spent) if state.under_way & spent else state

    def _land(self, state: State, verb: str) -> Ledgers:
        """What the ledgers hold once an operation has landed. Evidence that was ever there is there still."""
        bank, held, journal = self.bank, state.held, state.held.journal
        match verb:
            case "lock":
                return bank.lock(held, 0)[0]
            case "pay" if state.willing:
                return bank.pay(held, 0, certified=("lock", 0) in journal)[0]
            case "release":
                return bank.release(held, 0, certified=("pay", 0) in journal)[0]
            case "refund":
                return bank.refund(held, 0, certified=("void", 0) in journal)[0]
            case "void by time":
                return bank.void(held, 0, willed=False)[0]
            case "void by will":
                return bank.void(held, 0, willed=True)[0]
            case _:
                return held

    def _operation(self, verb: str) -> str:
        words = {
            "pay": "LOCKED certificate",
            "release": "PAID certificate",
            "refund": "VOIDED certificate",
            "void by time": "its own clock",
            "void by will": "consent or operators' order",
        }
        return of_operation(self.bank, verb.split(maxsplit=1)[0], 0, words.get(verb, ""))

    def _is_honest_end(self, state: State) -> bool:
        """A run that ended had the right to: its verdict is served, or nothing stood and nothing of its own could."""
        run, row = state.run, self.bank.row(state.held, 0)
        if run is None or run.at != "ended":
            return True
        match run.verdict:
            case "PAID":
                return run.outcome == "SETTLED" and row.lock == "released" and "PAID" in row.verdicts
            case "":
                return run.outcome != "SETTLED" and not run.stood and not (run.sent_lock and row.lock)
            case _:
                ends: dict[str, Outcome] = {"time": "EXPIRED", "will": "CANCELLED"}
                return row.lock in ("refunded", "tombstone") and run.outcome == ends.get(row.voided_by)
