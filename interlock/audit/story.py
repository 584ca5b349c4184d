"""A settlement's story in order: who did what, when, on whose authority; what was refused, waited for, tried again.

Pure: from the spans of one trace, and the entries of both ledgers' journals for the same terms where those can be read.
Decides nothing, and verifies no signature and no seal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from interlock.audit.spans import StoredSpan
from interlock.protocol.amounts import format_units, grouped
from interlock.protocol.records import Record
from interlock.protocol.reports import trace_id_of

Lane = Literal["seller", "buyer", "operators", "asset ledger", "attestors", "payment ledger", "settlement"]
Kind = Literal["signed", "step", "effect", "certificate", "refusal", "fault", "dissent", "order", "recovery", "end"]

LANES: tuple[Lane, ...] = (
    "seller",
    "buyer",
    "operators",
    "asset ledger",
    "attestors",
    "payment ledger",
    "settlement",
)
"""Whose acts there are; operators' only where they acted."""

RECONSTRUCTED = "interlock.reconstructed"
SetSizes = Mapping[tuple[str, int], int]
"""How many attestors are in a set, by its name and epoch."""

Decimals = Mapping[str, int]
"""How many decimals an asset has, by its code."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNREACHABLE = "unreachable"
_ENDS_A_WAIT = frozenset({"step", "wait", "end"})
_EFFECTS = frozenset({"lock", "pay", "void", "release", "refund"})
_SIDES: dict[str, tuple[Lane, ...]] = {
    "lock": ("seller",),
    "pay": ("buyer", "seller"),
    "release": ("buyer",),
    "refund": ("seller",),
}
_DONE = {
    "lock": "locked",
    "pay": "paid, verdict PAID",
    "void": "voided, verdict VOIDED",
    "release": "released",
    "refund": "refunded",
    "resume": "ordered to look again",
}
_STATES = {"release": "SETTLED", "refund": "refunded", "pay": "PAID", "void": "VOIDED", "lock": "LOCKED"}


@dataclass(frozen=True)
class Act:
    """One thing that happened. `sides` are the parties that it is an act of, or whose money or units it moved."""

    at: datetime
    until: datetime
    lane: Lane
    kind: Kind
    what: str
    who: str = ""
    authority: tuple[str, ...] = ()
    sides: tuple[Lane, ...] = ()
    step: str = ""
    attempt: int | None = None
    code: str = ""
    ledger: str = ""
    position: int | None = None
    reference: str = ""
    span_id: str = ""
    reconstructed: bool = False


@dataclass(frozen=True)
class Wait:
    """A time in which nothing could happen: why, who had to act, and how often it was tried. No end: it goes on."""

    since: datetime
    until: datetime | None
    code: str
    text: str
    who: str
    attempts: int

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return ((self.until or now) - self.since).total_seconds()


@dataclass(frozen=True)
class Amount:
    """What a leg moves where. Without the asset's decimals the amount is in smallest units, and says so."""

    ledger: str
    asset: str
    quantity: str
    amount: str
    deliverer: str = ""
    receiver: str = ""


@dataclass(frozen=True)
class Story:
    """Everything that is known of one settlement's terms, in order."""

    settlement_id: str
    terms_hash: str
    trace_id: str
    seller: str
    buyer: str
    state: str
    outcome: str | None
    settle_by: str
    delivery: Amount | None
    payment: Amount | None
    reason: str
    ended: bool
    acts: tuple[Act, ...]
    waits: tuple[Wait, ...]
    entries: int

    @property
    def dissents(self) -> tuple[Act, ...]:
        """Whatever an attestor did otherwise than the others."""
        return tuple(act for act in self.acts if act.kind == "dissent")

    @property
    def retries(self) -> int:
        """How many attempts were refused or broke."""
        return sum(act.kind in ("refusal", "fault") for act in self.acts)

    @property
    def beginning(self) -> datetime | None:
        """When the first thing happened."""
        return self.acts[0].at if self.acts else None

    @property
    def document(self) -> dict[str, Any]:
        """The story for programs: JSON values, times in UTC."""
        found: dict[str, Any] = _jsonable(asdict(self))
        return found


def tell(
    terms_hash: str,
    spans: Sequence[StoredSpan],
    entries: Sequence[tuple[str, Record]] = (),
    sizes: SetSizes | None = None,
    decimals: Decimals | None = None,
) -> Story:
    """The story of these terms. `entries` are records of the ledgers' journals, each with its ledger's name."""
    teller = _Teller(terms_hash, (spans, entries), sizes or {}, decimals or {})
    return teller.story()


class _Teller:
    def __init__(
        self,
        terms_hash: str,
        recorded: tuple[Sequence[StoredSpan], Sequence[tuple[str, Record]]],
        sizes: SetSizes,
        decimals: Decimals,
    ) -> None:
        spans, entries = recorded
        self.terms_hash = terms_hash
        self.spans = sorted(spans, key=lambda span: (span.end_ns, span.span_id))
        self.entries = sorted(entries, key=lambda each: (each[1]["at"], each[1]["position"]))
        self.sizes, self.decimals = sizes, dict(decimals)
        self.root = next((span for span in self.spans if span.parent_span_id is None), None)
        self.steps = [span for span in self.spans if span.parent_span_id is not None]
        self.terms = next(
            (record["authority"]["signed"]["terms"] for _, record in self.entries if "signed" in record["authority"]),
            None,
        )
        if self.terms is not None:
            assets = [self.terms[leg]["asset"] for leg in ("delivery", "payment")]
            self.decimals |= {asset["code"]: int(asset["decimals"]) for asset in assets}
        self.seller, self.buyer = (self._party(side) for side in ("seller", "buyer"))
        self.delivery, self.payment = self._leg("delivery"), self._leg("payment")

    def story(self) -> Story:
        said = self.root.attributes if self.root else {}
        acts = sorted(
            [*self._effects(), *self._steps(), *self._events()], key=lambda act: (act.until, LANES.index(act.lane))
        )
        outcome = said.get("interlock.outcome")
        return Story(
            settlement_id=self._known("settlement_id", "interlock.settlement.id"),
            terms_hash=self.terms_hash,
            trace_id=trace_id_of(self.terms_hash),
            seller=self.seller,
            buyer=self.buyer,
            state=outcome or self._state(),
            outcome=outcome,
            settle_by=str(said.get("interlock.settle_by") or (self.terms or {}).get("settle_by") or ""),
            delivery=self.delivery,
            payment=self.payment,
            reason=str(said.get("interlock.refusal.text", "")),
            ended=self.root is not None,
            acts=tuple(acts),
            waits=tuple(self._waits()),
            entries=len(self.entries),
        )

    def _known(self, field: str, attribute: str) -> str:
        found = next((str(span.attributes[attribute]) for span in self.spans if attribute in span.attributes), None)
        return found or str((self.terms or {}).get(field, ""))

    def _party(self, side: str) -> str:
        return self._known(side, f"interlock.{side}")

    def _state(self) -> str:
        done = {record["operation"] for _, record in self.entries} | {
            span.name for span in self.steps if span.attributes.get("interlock.answer") == "receipt"
        }
        return next((state for operation, state in _STATES.items() if operation in done), "open")

    def _leg(self, leg: str) -> Amount | None:
        if self.terms is not None:
            said = self.terms[leg]
            code, quantity = said["asset"]["code"], int(said["quantity"])
            amount = self._amount(code, quantity)
            return Amount(said["ledger"], code, str(quantity), amount, said["deliverer"], said["receiver"])
        prefix = f"interlock.{leg}"
        for span in self.spans:
            said = span.attributes
            if f"{prefix}.asset" not in said:
                prefix, said = "interlock", said if said.get("interlock.leg") == leg else {}
            if f"{prefix}.quantity" in said:
                code, quantity = str(said[f"{prefix}.asset"]), int(said[f"{prefix}.quantity"])
                ledger = str(said.get(f"{prefix}.ledger", ""))
                return Amount(ledger, code, str(quantity), self._amount(code, quantity))
            prefix = f"interlock.{leg}"
        return None

    # what the journals say

    def _effects(self) -> Iterable[Act]:
        made = {span.span_id: span for span in self.steps}
        for ledger, record in self.entries:
            span, at = made.get(record["span_id"]), datetime.fromisoformat(record["at"])
            operation = record["operation"]
            ordered = operation == "resume"
            yield Act(
                at=_time(span.start_ns) if span is not None and _time(span.start_ns) < at else at,
                until=at,
                lane="operators" if ordered else self._ledger_lane(ledger, operation),
                kind="order" if ordered else "effect",
                what=self._moved(operation, record),
                who=record["actor"],
                authority=tuple(self._authority(record)),
                sides=("seller", "buyer") if _by_consent(record) else _SIDES.get(operation, ()),
                step=operation,
                attempt=span.attributes.get("interlock.attempt") if span else None,
                ledger=ledger,
                position=record["position"],
                reference=record["reference"],
                span_id=record["span_id"],
                reconstructed=bool(span and span.attributes.get(RECONSTRUCTED)),
            )

    def _ledger_lane(self, ledger: str, operation: str) -> Lane:
        if self.delivery is not None and ledger == self.delivery.ledger:
            return "asset ledger"
        if self.payment is not None and ledger == self.payment.ledger:
            return "payment ledger"
        return "payment ledger" if operation in ("pay", "void") else "asset ledger"

    def _moved(self, operation: str, record: Record) -> str:
        by_sign: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for posting in record["postings"]:
            by_sign[int(posting["quantity"]) > 0].append(posting)
        moved = ", ".join(
            f"{self._amount(into['asset'], int(into['quantity']))} from {_account(out['account'])} to "
            f"{_account(into['account'])}"
            for into, out in zip(by_sign[True], by_sign[False], strict=False)
        )
        words = _DONE.get(operation, operation)
        if operation == "refund" and not moved:
            moved = "nothing was locked; a lock that arrives late is refused"
        return f"{words}: {moved}" if moved else words

    def _amount(self, code: str, quantity: int) -> str:
        if code in self.decimals:
            return f"{grouped(format_units(quantity, self.decimals[code]))} {code}"
        return f"{quantity:,} smallest units of {code}"

    def _authority(self, record: Record) -> Iterable[str]:
        relied = record["authority"]
        if record["operation"] == "resume":
            yield f"operators {_and(_signers(relied))}: {relied['order']['reason']}"
            return
        if record["operation"] in ("lock", "pay", "void") and "signed" in relied:
            yield f"terms signed by {_and(self._named(each) for each in _signers(relied['signed']))}"
        if relied.get("certificate"):
            yield self._certified(relied["certificate"])
        match relied.get("authority"):
            case {"kind": "time"}:
                yield "the payment ledger's own clock, past settle_by"
            case {"kind": "consent", "cancellations": given}:
                said = [
                    f"{self._named(each['signature']['signer'])} until {each['cancellation']['valid_until']}"
                    for each in given
                ]
                yield f"consent to cancel of {_and(said)}"
            case {"kind": "operators", "order": signed}:
                yield f"operators {_and(_signers(signed))}: {signed['order']['reason']}"
        if redirected := relied.get("redirection"):
            word = redirected["redirection"]
            signed_by = _and(self._named(each) for each in _signers(redirected))
            yield f"redirected to account {word['receiver']} by {signed_by}: {word['reason']}"

    def _certified(self, certificate: Mapping[str, Any]) -> str:
        statement = certificate["statement"]
        name, epoch = statement["coordinator"]["name"], int(statement["coordinator"]["epoch"])
        size = self.sizes.get((name, epoch))
        signers = [each["signer"] for each in certificate["signatures"]]
        of = f" of {size}" if size is not None else ""
        return (
            f"certificate {statement['fact']}: {len(signers)}{of} attestors of {name}, epoch {epoch}: {_and(signers)}"
        )

    def _named(self, address: str) -> str:
        side = {self.seller: "seller ", self.buyer: "buyer "}.get(address, "")
        return f"{side}{address}"

    # what the attempts say

    def _steps(self) -> Iterable[Act]:
        told = {record["span_id"] for _, record in self.entries}
        for span in self.steps:
            said = span.attributes
            if span.span_id not in told:
                yield self._step(span)
            for dissent in said.get("interlock.dissents", ()):
                yield Act(
                    at=_time(span.end_ns),
                    until=_time(span.end_ns),
                    lane="attestors",
                    kind="dissent",
                    what=str(dissent),
                    who=str(dissent).partition(" ")[0],
                    step=span.name,
                    span_id=span.span_id,
                )

    def _step(self, span: StoredSpan) -> Act:
        said = span.attributes
        answer = said.get("interlock.answer", "")
        kind: Kind = "step"
        code = ""
        match answer:
            case "refusal":
                who = said.get("interlock.refusal.who", "")
                what = f"{span.name} refused: {said.get('interlock.refusal.text', '')}"
                kind, code = "refusal", str(said.get("interlock.refusal.code", ""))
                what += f" ({who} can change it)" if who else ""
            case "fault":
                what, kind, code = f"{span.name} failed: {span.status_text or said.get('error.type', '')}", "fault", ""
                code = _UNREACHABLE
            case "certificate":
                signers = said.get("interlock.certificate.signers", [])
                what, kind = f"{span.name}: {len(signers)} attestors signed: {_and(signers)}", "certificate"
            case "receipt":
                what, kind = self._receipt(span), "step" if self.entries else "effect"
            case "agreed":
                what = f"{span.name}: the ledger would do its part"
            case "nothing":
                what = f"{span.name}: nothing stands"
            case "stands":
                rows = [
                    f"{name} {said[f'interlock.{name}']}" for name in ("lock", "verdict") if f"interlock.{name}" in said
                ]
                what = f"{span.name}: {_and(rows) or 'a row'} stands"
            case "started":
                what, kind = "the sweep had a run take it up again", "recovery"
            case _:
                what = span.name
        lane = self._lane_of(span)
        return Act(
            at=_time(span.start_ns),
            until=_time(span.end_ns),
            lane=lane,
            kind=kind,
            what=what,
            who=self._worker(span),
            sides=_SIDES.get(span.name, ()) if kind == "effect" else (),
            step=span.name,
            attempt=said.get("interlock.attempt"),
            code=code,
            ledger=str(said.get("interlock.ledger", "")),
            position=said.get("interlock.receipt.position"),
            reference=str(said.get("interlock.receipt.reference", "")),
            span_id=span.span_id,
            reconstructed=bool(said.get(RECONSTRUCTED)),
        )

    def _receipt(self, span: StoredSpan) -> str:
        """An effect as its span tells it, where the journal's entry is not at hand."""
        said = span.attributes
        entry = f"entry {said.get('interlock.receipt.position', '?')}"
        if "interlock.quantity" not in said or span.name == "void":
            return f"{_DONE.get(span.name, span.name)}: {entry}"
        amount = self._amount(str(said["interlock.asset"]), int(said["interlock.quantity"]))
        return f"{_DONE.get(span.name, span.name)}: {amount}, {entry} of ledger {said.get('interlock.ledger', '?')}"

    def _lane_of(self, span: StoredSpan) -> Lane:
        if span.name == "instruct":
            return "settlement"
        match span.attributes.get("interlock.role"):
            case "asset":
                return "asset ledger"
            case "payment":
                return "payment ledger"
            case "coordinator":
                return "attestors"
        return "settlement"

    @staticmethod
    def _worker(span: StoredSpan) -> str:
        role = span.attributes.get("interlock.role")
        return f"{role} role's worker" if role else str(span.resource.get("service.name", ""))

    # what the settlement's run says

    def _events(self) -> Iterable[Act]:
        if self.root is None:
            return
        told = {dissent for span in self.steps for dissent in span.attributes.get("interlock.dissents", ())}
        for event in self.root.events:
            at, text = _time(event.at_ns), str(event.attributes.get("interlock.text", ""))
            side = next((side for side in ("seller", "buyer") if text.startswith(f"{side} ")), None)
            party: Lane = "seller" if side == "seller" else "buyer"
            common: dict[str, Any] = {"at": at, "until": at, "what": text, "span_id": self.root.span_id}
            match event.name:
                case "signed" | "withdrawn" | "consent" if side is not None:
                    who = self.seller if side == "seller" else self.buyer
                    yield Act(**common, lane=party, kind="signed", who=who, sides=(party,))
                case "order":
                    yield Act(**common, lane="operators", kind="order", who="operators")
                case "cancel_request":
                    yield Act(**common, lane="settlement", kind="order", who="somebody with access to the engine")
                case "end":
                    yield Act(**common, lane="settlement", kind="end", who="settlement")
                case "step" if event.attributes.get("interlock.stage") == "MATCHED":
                    yield Act(**common, lane="settlement", kind="step", who="settlement")
                case "step" if text.startswith("ended "):
                    yield Act(**common, lane="settlement", kind="end", who="settlement")
                case "dissent" if not any(_same_dissent(text, known) for known in told):
                    yield Act(**common, lane="attestors", kind="dissent", who=text.split(" ")[1])

    def _waits(self) -> list[Wait]:
        before = [span for span in self.steps if self.root is None or span.end_ns < self.root.start_ns]
        found = _waits_of_attempts(before)
        if self.root is None:
            return found
        began = _time(self.root.start_ns)
        found = [replace(wait, until=wait.until or began) for wait in found]
        events = self.root.events
        for place, event in enumerate(events):
            if event.name != "wait":
                continue
            after = next((each for each in events[place + 1 :] if each.name in _ENDS_A_WAIT), None)
            if after is None or after.attributes.get("interlock.text") == "ended REJECTED":
                continue  # a settlement that is rejected waits for nothing
            found.append(self._wait(str(event.attributes.get("interlock.text", "")), event.at_ns, after.at_ns))
        return found

    def _wait(self, text: str, since_ns: int, until_ns: int) -> Wait:
        met = [span for span in self.steps if _blocked(span) and _meant(span, text)]
        during = [span for span in met if since_ns - 10**9 <= span.end_ns <= until_ns]
        first = next(iter(during or met), None)
        return Wait(
            since=_time(since_ns),
            until=_time(until_ns),
            code=_code(first) if first is not None else "",
            text=text,
            who=_who_acts(first) if first is not None else "",
            attempts=len(during),
        )


def _waits_of_attempts(spans: Sequence[StoredSpan]) -> list[Wait]:
    """Waits as the attempts alone show them: from the first one that is refused or breaks to the next that is not."""
    found: list[Wait] = []
    going: tuple[str, str] | None = None
    for span in spans:
        at = _time(span.end_ns)
        if _blocked(span) and not span.name.startswith("check "):
            key = (span.name, _code(span))
            if going == key:
                found[-1] = replace(found[-1], attempts=found[-1].attempts + 1)
                continue
            if going is not None:
                found[-1] = replace(found[-1], until=at)
            text = str(span.attributes.get("interlock.refusal.text") or f"{span.name}: {span.status_text}")
            found.append(Wait(at, None, _code(span), text, _who_acts(span), 1))
            going = key
        elif going is not None and (span.name == going[0] or span.name in _EFFECTS):
            found[-1] = replace(found[-1], until=at)
            going = None
    return found


def _blocked(span: StoredSpan) -> bool:
    return span.attributes.get("interlock.answer") in ("refusal", "fault")


def _code(span: StoredSpan) -> str:
    return str(span.attributes.get("interlock.refusal.code", _UNREACHABLE))


def _who_acts(span: StoredSpan) -> str:
    if "interlock.refusal.code" in span.attributes:
        return str(span.attributes.get("interlock.refusal.who", ""))
    return f"operator of the {span.attributes.get('interlock.role', '')} worker"


def _meant(span: StoredSpan, text: str) -> bool:
    said = str(span.attributes.get("interlock.refusal.text", ""))
    return text.endswith(said) if said else text.startswith(f"{span.attributes.get('interlock.step', span.name)}: ")


def _same_dissent(event: str, attribute: str) -> bool:
    """Whether "attestor A on FACT: kind, text" and "A FACT kind: text" are the same."""
    words = attribute.split(" ", 2)
    return len(words) == 3 and event.startswith(f"attestor {words[0]} on {words[1]}: {words[2].partition(':')[0]},")


def _by_consent(record: Record) -> bool:
    authority = record["authority"].get("authority")
    return isinstance(authority, dict) and authority.get("kind") == "consent"


def _account(name: str) -> str:
    return "escrow" if name.startswith("escrow:") else name


def _signers(signed: Mapping[str, Any]) -> list[str]:
    return [str(signature["signer"]) for signature in signed.get("signatures", ())]


def _and(words: Iterable[str]) -> str:
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _time(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _jsonable(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case dict():
            return {name: _jsonable(each) for name, each in value.items()}
        case list() | tuple():
            return [_jsonable(each) for each in value]
    return value
