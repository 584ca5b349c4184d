"""Settlements' spans as workers would have written them, made up: many, quickly, the same for the same number."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.audit.spans import SpanEvent, StoredSpan
from interlock.protocol.eip712 import keccak256
from interlock.protocol.reports import root_span_id_of, trace_id_of
from tests.world import key

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PARTIES = tuple(key(f"party {number}").address for number in range(40))
ATTESTORS = tuple(key(f"attestor {number}").address for number in range(4))
ASSETS, CURRENCIES = ("OUSG", "BUIDL", "TBILL"), ("USD", "EUR")
_S = 10**9


@dataclass
class Made:
    """A settlement, and what is true of it."""

    settlement_id: str
    terms_hash: str
    seller: str
    buyer: str
    legs: dict[str, tuple[str, int]]
    outcome: str | None
    refusals: set[str] = field(default_factory=set)
    waits: list[int] = field(default_factory=list)
    """Nanoseconds; those that go on are counted from their beginning, which `waiting_since` has."""
    waiting_since: int | None = None
    dissents: int = 0
    spans: list[StoredSpan] = field(default_factory=list)


class Maker:
    """Makes one settlement after the other."""

    def __init__(self, tag: str, number: int, parties: int = len(PARTIES)) -> None:
        self.tag, self.number, self.parties = tag, number, PARTIES[:parties]
        self.random = random.Random(f"{tag}-{number}")
        self.terms_hash = "0x" + keccak256(f"{tag}-{number}".encode()).hex()
        self.events: list[SpanEvent] = []
        self.made: Made

    def settlement(self, begins: datetime) -> Made:
        """A settlement that begins then: most settle, some wait first, some are refused, some are still open."""
        chance = self.random
        seller, buyer = chance.sample(self.parties, 2)
        legs = {
            "delivery": (chance.choice(ASSETS), chance.randint(1, 10**22)),
            "payment": (chance.choice(CURRENCIES), chance.randint(1, 10**9)),
        }
        kind = chance.choices(["SETTLED", "EXPIRED", "CANCELLED", "REJECTED", "open"], [80, 6, 4, 5, 5])[0]
        outcome = None if kind == "open" else kind
        name = f"{self.tag}-{self.number:06d}"
        self.made = Made(name, self.terms_hash, seller, buyer, legs, outcome)
        self.now = int(begins.timestamp()) * _S
        self.tell("signed", f"seller {seller} signed terms {self.terms_hash[:10]}")
        self.tell("step", "both parties have signed the same terms", "MATCHED")
        self.steps(kind)
        if outcome is not None:
            self.tell("step", f"ended {outcome}", outcome)
            self.root(outcome)
        return self.made

    def steps(self, kind: str) -> None:
        """The steps, as far as they go."""
        self.step("check delivery", "asset", answer="agreed")
        if kind == "REJECTED":
            self.refused("check payment", "payment", "unknown_account", "Account nobody is not known.")
            self.tell("wait", "Account nobody is not known.", "MATCHED")
            return
        self.step("check payment", "payment", answer="agreed")
        self.effect("lock", "asset", "LOCKED")
        dissents = self.random.random() < 0.05
        said = [f"{ATTESTORS[3]} LOCKED unreachable: no answer in time"] if dissents else []
        more: dict[str, Any] = {"interlock.dissents": said} if said else {}
        self.made.dissents = len(said)
        self.step(
            "attest LOCKED",
            "coordinator",
            answer="certificate",
            **{"interlock.certificate.signers": ATTESTORS[:3]},
            **more,
        )
        if kind != "SETTLED" or self.random.random() < 0.1:
            self.waits(open_ended=kind == "open")
        if kind == "open":
            return
        if kind == "SETTLED":
            self.effect("pay", "payment", "PAID")
            self.step("attest PAID", "coordinator", answer="certificate")
            self.effect("release", "asset", "PAID")
        else:
            self.effect("void", "payment", "VOIDED")
            self.effect("refund", "asset", "VOIDED")

    def waits(self, *, open_ended: bool) -> None:
        """Refused, waiting for some seconds up to hours, refused again in between."""
        code, text = self.random.choice(
            [("insufficient_balance", "The account has too little."), ("account_frozen", "The account is frozen.")]
        )
        self.refused("pay", "payment", code, text)
        since = self.now
        self.tell("wait", text, "ATTESTED")
        self.now += int(10 ** self.random.uniform(0, 4) * _S)
        self.refused("pay", "payment", code, text)
        if open_ended:
            self.made.waiting_since = since
        else:
            self.now += _S
            # the wait ends with the next step: the effect, made a moment later
            self.made.waits.append(self.now + 3_000_000 - since)

    def effect(self, name: str, role: str, stage: str) -> None:
        """A step that had its effect."""
        self.step(name, role, answer="receipt", **{"interlock.receipt.position": self.number})
        if stage == "VOIDED" and name == "refund":
            return
        self.tell("step", f"{name} is done", stage)

    def refused(self, name: str, role: str, code: str, text: str) -> None:
        """A step that was refused."""
        self.made.refusals.add(code)
        said = {"interlock.refusal.code": code, "interlock.refusal.text": text, "interlock.refusal.who": "its owner"}
        self.step(name, role, answer="refusal", **said)

    def step(self, name: str, role: str, *, answer: str, **more: Any) -> None:
        """One attempt, of three milliseconds."""
        leg = {"asset": "delivery", "payment": "payment"}.get(role)
        said: dict[str, Any] = {**self.parties_said(), "interlock.step": name, "interlock.role": role}
        said |= {"interlock.attempt": 1, "interlock.answer": answer, **more}
        if leg is not None:
            asset, quantity = self.made.legs[leg]
            said |= {"interlock.leg": leg, "interlock.ledger": role, "interlock.asset": asset}
            said["interlock.quantity"] = str(quantity)
        start, self.now = self.now, self.now + 3_000_000
        self.span(name, start, said)

    def root(self, outcome: str) -> None:
        """The end."""
        said = self.parties_said() | {"interlock.outcome": outcome}
        for leg, (asset, quantity) in self.made.legs.items():
            said |= {f"interlock.{leg}.asset": asset, f"interlock.{leg}.quantity": str(quantity)}
            said[f"interlock.{leg}.ledger"] = "asset" if leg == "delivery" else "payment"
        self.span("settlement", self.events[0].at_ns, said, root=True)

    def parties_said(self) -> dict[str, Any]:
        """What every span says."""
        return {
            "interlock.settlement.id": self.made.settlement_id,
            "interlock.terms.hash": self.terms_hash,
            "interlock.seller": self.made.seller,
            "interlock.buyer": self.made.buyer,
        }

    def tell(self, kind: str, text: str, stage: str = "PROPOSED") -> None:
        """An event of the settlement's own story."""
        self.events.append(SpanEvent(kind, self.now, {"interlock.stage": stage, "interlock.text": text}))

    def span(self, name: str, start: int, said: dict[str, Any], *, root: bool = False) -> None:
        """A span that ends now."""
        plain = {each: list(value) if isinstance(value, tuple) else value for each, value in said.items()}
        self.made.spans.append(
            StoredSpan(
                trace_id=trace_id_of(self.terms_hash),
                span_id=root_span_id_of(self.terms_hash) if root else f"{self.random.getrandbits(63) + 1:016x}",
                parent_span_id=None if root else root_span_id_of(self.terms_hash),
                name=name,
                kind="INTERNAL",
                start_ns=start,
                end_ns=self.now,
                status="UNSET",
                status_text="",
                attributes=plain,
                events=tuple(self.events) if root else (),
                links=(),
                resource={"service.name": "interlock-worker"},
                scope="interlock",
            )
        )


def settlements(tag: str, count: int, *, parties: int = len(PARTIES), first: int = 0) -> Iterator[Made]:
    """So many settlements, one every five minutes."""
    for number in range(first, first + count):
        yield Maker(tag, number, parties).settlement(BEGIN + number * timedelta(minutes=5))
