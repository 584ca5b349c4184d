"""The state machine: random programs against two real ledgers, every answer compared with the model's.

Requests are sent one by one, again, or several at once; then some order of them must explain the answers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from interlock.protocol import Attempt, Receipt, VerdictKind
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.explaining import Seen, differences, expectation, explanation, instants
from tests.ledgers.machine.kept import Pair
from tests.ledgers.machine.model import LedgerModel, World
from tests.ledgers.machine.operations import Expected
from tests.ledgers.machine.programs import (
    AUTHORITIES,
    FAIR_TRADES,
    MEDDLING,
    PROOFS,
    TRADES,
    about,
    anything,
    seldom,
    undone,
)
from tests.ledgers.machine.sending import Sent, Told, accounts, prepared, send
from tests.ledgers.machine.tally import Tally
from tests.ledgers.machine.trades import ACCOUNTS, HELD, LEDGERS, Trade, moment

STEPS_BETWEEN_CHECKS = 12
MOST_AT_ONCE = 6
PROOF = asked.Proof()
Authority = asked.ByClock | asked.Consent | asked.ByOrder


class LedgerMachine(RuleBasedStateMachine):
    """One random program. A subclass says which pair of ledgers it runs on, and in which event loop."""

    pair: ClassVar[Pair]
    runner: ClassVar[asyncio.Runner]
    tally: ClassVar[Tally]

    trades = Bundle("trades")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.world: World = {name: LedgerModel(name) for name in LEDGERS}
        self.known: dict[Trade, None] = {}
        self.last = dict.fromkeys(LEDGERS, 0)
        self.steps = 0
        self.explained = True
        self.tally.program()
        self.runner.run(self.pair.begin())
        for name, asset in zip(LEDGERS, ("OUSG", "USD"), strict=True):
            self._compare(
                [asked.Order(name, asked.Open(account, owner), nonce=0) for account, owner in ACCOUNTS.items()]
            )
            self._compare([asked.Order(name, asked.Mint(each, asset, HELD), nonce=0) for each in ("ada", "bob", "eve")])

    @initialize(target=trades, trade=TRADES)
    def first(self, trade: Trade) -> Trade:
        """There is always a trade to ask about."""
        self.known[trade] = None
        return trade

    @rule(target=trades, trade=TRADES)
    def agree(self, trade: Trade) -> Trade:
        """Two parties agree on terms; nothing is sent."""
        self.known[trade] = None
        return trade

    @rule(target=sent, request=anything(trades))
    def ask(self, request: asked.Request) -> asked.Request:
        """One request, alone."""
        self._compare([request])
        return request

    @rule(request=sent)
    def ask_again(self, request: asked.Request) -> None:
        """The same request once more, with evidence as it can be had now."""
        self._compare([request])

    @rule(requests=st.lists(anything(trades), min_size=2, max_size=5), twice=st.integers(0, 3))
    def at_once(self, requests: list[asked.Request], twice: int) -> None:
        """Several requests at once, about anything, the first few of them twice."""
        self._compare([*requests, *requests[:twice]][:MOST_AT_ONCE])

    @rule(requests=trades.flatmap(lambda trade: st.lists(about(st.just(trade)), min_size=2, max_size=6)))
    def contest(self, requests: list[asked.Request]) -> None:
        """Several requests at once, all about one trade."""
        self._compare(requests)

    @rule(several=st.lists(trades, min_size=1, max_size=4), authority=seldom([asked.Consent()], None))
    def go_on(self, several: list[Trade], authority: Authority | None) -> None:
        """Of each trade the next honest step towards its end, at once, so that programs get there."""
        self._compare([self._next(each, authority=authority) for each in several])

    @rule(
        target=trades,
        trade=FAIR_TRADES,
        authority=AUTHORITIES,
        proof=PROOFS,
        meddling=st.lists(MEDDLING, min_size=3, max_size=5),
        at_once=st.booleans(),
    )
    def live(
        self,
        trade: Trade,
        authority: Authority | None,
        proof: asked.Proof,
        meddling: list[asked.Order | asked.Tick | asked.Accounts | asked.Accuse],
        at_once: bool,
    ) -> Trade:
        """A trade's whole life, with something before each step, or during it; what was done is then undone."""
        self.known[trade] = None
        for number, each in enumerate(meddling):
            done = replace(each, nonce=1000 + self.steps) if isinstance(each, asked.Order) else each
            step = self._next(trade, authority=authority if number else None, proof=proof)
            for requests in ((done, step),) if at_once else ((done,), (step,)):
                self._compare(requests)
            self._compare([*undone(done, nonce=1000 + self.steps), asked.LockOf(trade)])
        return trade

    @rule(trade=trades, given=st.sampled_from((asked.ByClock(), asked.Consent(), asked.ByOrder())))
    def everything_arrives_late(self, trade: Trade, given: Authority) -> None:
        """All that was ever sent about a trade arrives again, at once."""
        void = asked.Void(trade, authority=given)
        self._compare([asked.Lock(trade), asked.Pay(trade), void, asked.Release(trade), asked.Refund(trade)])

    @rule(
        trade=trades,
        authority=st.sampled_from((asked.ByClock(), asked.Consent(buyers_until=10), asked.ByOrder(valid_until=10))),
        instants=st.sampled_from((0, -1, 1)),
    )
    def decide_at_the_last_moment(self, trade: Trade, authority: Authority, instants: int) -> None:
        """Pay against void at settle_by, or void when its authority ends, to the instant; the clock is put back."""
        by_clock = isinstance(authority, asked.ByClock)
        decisions: list[asked.Request] = [asked.Void(trade, authority=authority)]
        if by_clock:
            self._compare([asked.Lock(trade)])
            decisions.insert(0, asked.Pay(trade))
        at = decisions[0].ledger
        shown = self.world[at].now
        self._compare([asked.Tick(at, trade.settle_by if by_clock else 10, instants)])
        self._compare(decisions)
        self._compare([asked.Tick(at, 0, shown)])

    @rule(trade=trades, who=st.integers(1, 3), everybody=st.booleans(), at_once=st.booleans())
    def catch_an_attestor(self, trade: Trade, who: int, everybody: bool, at_once: bool) -> None:
        """An attestor whose signature the next step may need is left out before it or during it; then re-admitted."""
        step = self._next(trade, proof=asked.Proof(everybody=everybody))
        counts = self.world[step.ledger].counts(trade.coordinator) or trade.coordinator
        caught = asked.Accuse(step.ledger, counts, who, number=1000 + self.steps)
        for requests in ((caught, step),) if at_once else ((caught,), (step,)):
            self._compare(requests)
        readmitted = asked.Order(step.ledger, asked.Readmit(counts, who), nonce=1000 + self.steps)
        for request in (readmitted, step, caught):
            self._compare([request])

    def teardown(self) -> None:
        """What all trades left behind, and what `ledger verify` says of it, unless the program has failed already."""
        if not self.explained:
            return
        wrong = differences(self.world, self.runner.run(self._look(self.known)))
        assert wrong == []
        self._verify()

    def _next(self, trade: Trade, *, authority: Authority | None = None, proof: asked.Proof = PROOF) -> asked.Request:
        """What an honest orchestrator asks next; before a verdict it voids if it has an authority to."""
        lock = self.world[trade.delivers_on].locks.get(trade) if trade.delivers_on in self.world else None
        verdict = self.world[trade.pays_on].verdicts.get(trade) if trade.pays_on in self.world else None
        if verdict is not None:
            paid = verdict.kind is VerdictKind.PAID
            return asked.Release(trade, proof=proof) if paid else asked.Refund(trade, proof=proof)
        if authority is not None:
            return asked.Void(trade, authority=authority)
        return asked.Lock(trade) if lock is None else asked.Pay(trade, proof=proof)

    def _compare(self, requests: Sequence[asked.Request]) -> None:
        """Send the requests, at once if they are several, and find the order that explains what comes of them."""
        self.explained = False
        sent = [prepared(each, self.world) for each in requests]
        answered, seen = self.runner.run(self._send(sent))
        self._tell(answered)
        after = explanation(self.world, answered, seen)
        assert after is not None, self._unexplained(answered, seen)
        for name in LEDGERS:
            new = [told.position for _, told in answered if isinstance(told, Receipt) and told.ledger == name]
            fresh = [each for each in new if each not in self._positions(name)]
            assert all(each > self.last[name] for each in fresh), f"ledger {name}: {fresh} after {self.last[name]}"
            self.last[name] = max([self.last[name], *fresh])
        self.world, self.explained = after, True
        self.steps += 1
        if self.steps % STEPS_BETWEEN_CHECKS == 0:
            self._verify()

    def _verify(self) -> None:
        turned_round = any(trade.delivers_on == "payment" for trade in self.known)
        for turned in {False, turned_round}:
            assert list(self.runner.run(self.pair.violations(turned_round=turned))) == []

    def _positions(self, name: str) -> set[int]:
        ledger = self.world[name]
        rows = [each for row in ledger.locks.values() for each in (row.locked, row.ended) if each]
        rows += [row.receipt for row in ledger.verdicts.values()]
        return {each.position for each in (*rows, *ledger.orders.values())}

    async def _send(self, sent: Sequence[Sent]) -> tuple[list[tuple[Sent, Told]], Seen]:
        answers = await asyncio.gather(*(self._ask(number, each) for number, each in enumerate(sent)))
        touched = {each.request.trade: None for each in sent if isinstance(each.request, asked.AboutTrade)}
        return list(zip(sent, answers, strict=True)), await self._look(touched)

    async def _ask(self, caller: int, sent: Sent) -> Told:
        request = sent.request
        if isinstance(request, asked.Tick):
            await self.pair.set_clock(request.ledger, moment(instants(request)))
            return None
        attempt = Attempt(actor=f"caller {caller}", trace_id=f"{caller + 1:032x}", span_id=f"{self.steps + 1:016x}")
        return await send(self.pair.ledger(request.ledger, caller), sent, attempt)

    async def _look(self, touched: dict[Trade, None]) -> Seen:
        ledgers = {name: self.pair.ledger(name, 0) for name in LEDGERS}
        return Seen(
            accounts={name: await accounts(ledger) for name, ledger in ledgers.items()},
            left_out={name: await ledger.left_out() for name, ledger in ledgers.items()},
            locks={
                (name, each): await ledger.lock_of(each.hash) for name, ledger in ledgers.items() for each in touched
            },
            verdicts={
                (name, each): await ledger.verdict_of(each.hash) for name, ledger in ledgers.items() for each in touched
            },
        )

    def _tell(self, answered: Sequence[tuple[Sent, Told]]) -> None:
        for sent, told in answered:
            word = self.tally.answer(sent.request, told)
            position = f" {told.position}" if isinstance(told, Receipt) else ""
            if self.known:  # what every program begins with is not worth telling
                note(f"    {sent!r} -> {word}{position}")

    def _unexplained(self, answered: Sequence[tuple[Sent, Told]], seen: Seen) -> str:
        """What was answered, and what the model would admit of each request as the first."""
        lines = ["no order of these requests explains their answers and what is seen after them:"]
        for sent, told in answered:
            lines.append(f"  {sent!r}")
            lines.append(f"    answered: {told!r}")
            if not isinstance(sent.request, asked.Tick):
                expected = expectation(self.world[sent.request.ledger], sent)
                if isinstance(expected, Expected):
                    expected = expected.first or sorted(expected.codes) or "a new receipt"
                lines.append(f"    admitted as the first: {expected!r}")
        lines += [f"  if nothing had changed: {text}" for text in differences(self.world, seen)]
        return "\n".join(lines)
