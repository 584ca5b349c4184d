"""Which settlements a question is about, newest first, page by page: from the audit trail, by its indexes. Reads only.

A settlement is of a time in which one of its spans began. One kind of span is looked for, newest first; each one is
found at the newest of its spans of that kind, so that pages neither overlap nor miss any; what else is asked is asked
of the settlement's other spans. Every value is a bound parameter.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from interlock.audit.reader import SpanReader
from interlock.audit.story import Story
from interlock.audit.telling import tell
from interlock.audit.trade import Decimals
from interlock.ledgers.connections import Connections
from interlock.protocol import Outcome, RefusalCode

UNREACHABLE = "unreachable"
REFUSALS = (*(code.value for code in RefusalCode), UNREACHABLE)
"""What may be searched for: every refusal, and the attempts that failed."""

LEGS = "('check delivery', 'check payment', 'lock', 'pay')"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([0-9]{1,19})-([0-9a-f]{16})")


@dataclass(frozen=True)
class Cursor:
    """After which settlement a page begins."""

    start_ns: int
    span_id: str

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises ValueError for what is no cursor of a page."""
        match = _CURSOR.fullmatch(text)
        if match is None or int(match[1]) >= 2**63:
            raise ValueError("not a cursor: use what the page before said is next")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.start_ns}-{self.span_id}"


@dataclass(frozen=True)
class Question:
    """What is asked; all of it must be so. `until` is not part of the time; `traces` are those that may be found."""

    party: str | None = None
    asset: str | None = None
    at_least: int | None = None
    at_most: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: Outcome | None = None
    refusal: str | None = None
    waited: timedelta | None = None
    dissents: bool = False
    traces: tuple[str, ...] | None = None

    @property
    def has_time(self) -> bool:
        """Whether a time is asked for."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class Page:
    """Settlements, newest first, and where the next page begins: None after the last."""

    stories: tuple[Story, ...]
    next: Cursor | None


async def search(
    connections: Connections,
    question: Question,
    *,
    limit: int,
    after: Cursor | None,
    now: datetime,
    decimals: Decimals | None = None,
) -> Page:
    """At most `limit` settlements. Open waits have lasted until `now`; `decimals` are the assets', for amounts."""
    reader = SpanReader(connections)
    stories: list[Story] = []
    while True:
        found = await keys(connections, question, limit=limit + 1, after=after, now=now)
        spans = await reader.spans_of_each([trace_id for trace_id, _ in found])
        for trace_id, key in found:
            if len(stories) == limit:
                return Page(tuple(stories), after)
            after = key
            known = spans[trace_id]
            terms_hash = next((str(each.attributes[_TERMS]) for each in known if _TERMS in each.attributes), None)
            if terms_hash is None:
                continue
            story = tell(terms_hash, known, decimals=decimals)
            if question.waited is None or any(
                wait.seconds(now) > question.waited.total_seconds() for wait in story.waits
            ):
                stories.append(story)
        if len(found) <= limit:
            return Page(tuple(stories), None)


async def keys(
    connections: Connections, question: Question, *, limit: int, after: Cursor | None, now: datetime
) -> list[tuple[str, Cursor]]:
    """The traces that answer the question, each with its place in the order; newest first."""
    found: list[tuple[str, Cursor]] = []
    for statement, values in statements(question, limit=limit, after=after, now=now):
        rows = await connections.rows(statement, *values)
        found += [(row["trace_id"], Cursor(row["start_ns"], row["span_id"])) for row in rows]
    found.sort(key=lambda each: (each[1].start_ns, each[1].span_id), reverse=True)
    return found[:limit]


def statements(
    question: Question, *, limit: int, after: Cursor | None, now: datetime
) -> Iterator[tuple[str, list[object]]]:
    """The statements that answer it, with their values: one, or one for each side that a party may be on."""
    if _drives_by_party(question):
        for side in ("seller", "buyer"):
            yield _Composed(question, after, now, side).statement(limit)
    else:
        yield _Composed(question, after, now, None).statement(limit)


_TERMS = "interlock.terms.hash"


def _drives_by_party(question: Question) -> bool:
    others = (question.traces, question.refusal, question.dissents or None, question.waited)
    return question.party is not None and all(each is None for each in others)


class _Composed:
    """One statement under construction: conditions, and the values that they name."""

    def __init__(self, question: Question, after: Cursor | None, now: datetime, side: str | None) -> None:
        self.question, self.after, self.now, self.side = question, after, now, side
        self.values: list[object] = []

    def statement(self, limit: int) -> tuple[str, list[object]]:
        """The text and the values."""
        if (candidates := self._candidates()) is not None:
            inner = " AND ".join(["t.trace_id = c.trace_id", *self._time("t")])
            text = (
                f"SELECT s.trace_id, s.start_ns, s.span_id FROM ({candidates}) AS c CROSS JOIN LATERAL (SELECT * FROM "  # noqa: S608 - all values are bound
                f"audit.spans AS t WHERE {inner} ORDER BY t.start_ns DESC, t.span_id DESC LIMIT 1) AS s WHERE true"
            )
            driving: list[str] = []
        else:
            driving = [*self._kind("s"), *self._time("s")]
            later = [*self._kind("o"), *self._time("o")]
            text = (
                "SELECT s.trace_id, s.start_ns, s.span_id FROM audit.spans AS s WHERE "  # noqa: S608 - all values are bound
                + " AND ".join([*driving, "true"])
                + " AND NOT EXISTS (SELECT FROM audit.spans AS o WHERE "
                + " AND ".join(["o.trace_id = s.trace_id", "(o.start_ns, o.span_id) > (s.start_ns, s.span_id)", *later])
                + " OFFSET 0)"
            )
        conditions = list(self._others(by_candidates=candidates is not None))
        if self.after is not None:
            place = f"({self._value(self.after.start_ns)}::bigint, {self._value(self.after.span_id)}::text)"
            conditions.append(f"(s.start_ns, s.span_id) < {place}")
        text += "".join(f" AND {condition}" for condition in conditions)
        return f"{text} ORDER BY s.start_ns DESC, s.span_id DESC LIMIT {self._value(limit)}::bigint", self.values

    def _value(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def _candidates(self) -> str | None:
        """Traces in whatever order, where few are expected."""
        question = self.question
        if question.traces is not None:
            return f"SELECT DISTINCT unnest({self._value(list(question.traces))}::text[]) AS trace_id"
        if question.waited is not None and question.refusal is None and not question.dissents:
            return self._waited_traces()
        if self._is_amount and not (question.has_time or question.party or question.refusal or question.dissents):
            return f"SELECT DISTINCT b.trace_id FROM audit.spans AS b WHERE {' AND '.join(self._leg('b'))}"  # noqa: S608
        return None

    def _kind(self, alias: str) -> list[str]:
        """The spans that are looked for."""
        question = self.question
        if question.refusal is not None:
            return [self._refused(alias, question.refusal)]
        if question.dissents:
            return [f"{alias}.attributes ->> 'interlock.dissents' IS NOT NULL", f"{alias}.parent_span_id IS NOT NULL"]
        if self.side is not None:
            return [f"{alias}.attributes ->> 'interlock.{self.side}' = {self._value(question.party)}"]
        if question.has_time:
            return []
        if question.asset is not None:
            return self._leg(alias)
        if question.outcome is not None:
            return self._ended(alias)
        return []

    def _others(self, *, by_candidates: bool) -> Iterable[str]:
        """What is asked beside the kind of span, of any span of the settlement."""
        question = self.question
        if question.party is not None and self.side is None:
            party = self._value(question.party)
            yield self._some(
                f"x.attributes ->> 'interlock.seller' = {party} OR x.attributes ->> 'interlock.buyer' = {party}"
            )
        if by_candidates and question.refusal is not None:
            yield self._some(self._refused("x", question.refusal))
        if question.dissents and (by_candidates or question.refusal is not None):
            yield self._some("x.attributes ->> 'interlock.dissents' IS NOT NULL")
        if question.asset is not None:
            yield self._some(f"({' AND '.join(self._leg('x'))}) OR {self._root_leg()}")
        if question.outcome is not None:
            yield self._some(" AND ".join(self._ended("x")))
        if question.waited is not None and (question.traces is not None or question.refusal or question.dissents):
            yield f"s.trace_id IN ({self._waited_traces()})"

    @staticmethod
    def _some(condition: str) -> str:
        # OFFSET 0: looked up for each span that is found, as long as a page is not full, and never for all beforehand
        return f"EXISTS (SELECT FROM audit.spans AS x WHERE x.trace_id = s.trace_id AND ({condition}) OFFSET 0)"

    def _time(self, alias: str) -> list[str]:
        question = self.question
        if question.traces is not None:
            return []
        found = []
        if question.since is not None:
            found.append(f"{alias}.start_ns >= {self._value(_ns(question.since))}::bigint")
        if question.until is not None:
            found.append(f"{alias}.start_ns < {self._value(_ns(question.until))}::bigint")
        return found

    def _refused(self, alias: str, code: str) -> str:
        if code == UNREACHABLE:
            return f"{alias}.attributes ->> 'interlock.answer' = 'fault'"
        return f"{alias}.attributes ->> 'interlock.refusal.code' = {self._value(code)}"

    def _ended(self, alias: str) -> list[str]:
        outcome = self._value(self.question.outcome.value if self.question.outcome else "")
        return [f"{alias}.parent_span_id IS NULL", f"{alias}.attributes ->> 'interlock.outcome' = {outcome}"]

    @property
    def _is_amount(self) -> bool:
        return self.question.at_least is not None or self.question.at_most is not None

    def _leg(self, alias: str) -> list[str]:
        asset = self._value(self.question.asset)
        quantity = f"({alias}.attributes ->> 'interlock.quantity')::numeric"
        return [
            f"{alias}.name IN {LEGS}",
            f"{alias}.attributes ->> 'interlock.asset' = {asset}",
            *self._between(quantity),
        ]

    def _root_leg(self) -> str:
        either = []
        for leg in ("delivery", "payment"):
            quantity = f"(x.attributes ->> 'interlock.{leg}.quantity')::numeric"
            asset = f"x.attributes ->> 'interlock.{leg}.asset' = {self._value(self.question.asset)}"
            either.append(" AND ".join(["x.parent_span_id IS NULL", asset, *self._between(quantity)]))
        return " OR ".join(f"({each})" for each in either)

    def _between(self, quantity: str) -> list[str]:
        found = []
        if self.question.at_least is not None:
            found.append(f"{quantity} >= {self._value(str(self.question.at_least))}::text::numeric")
        if self.question.at_most is not None:
            found.append(f"{quantity} <= {self._value(str(self.question.at_most))}::text::numeric")
        return found

    def _waited_traces(self) -> str:
        """Settlements whose story tells of such a wait; and those that may have had one which no story tells of yet."""
        waited = (self.question.waited or timedelta()) // timedelta(microseconds=1) * 1000
        longer, now = self._value(waited), self._value(_ns(self.now))
        ended = "(SELECT r.start_ns FROM audit.spans AS r WHERE r.trace_id = b.trace_id AND r.parent_span_id IS NULL)"
        blocked = (
            "SELECT b.trace_id FROM audit.spans AS b WHERE {} AND b.parent_span_id IS NOT NULL "  # noqa: S608 - all values are bound
            f"AND b.end_ns + {longer}::bigint < coalesce({ended}, {now}::bigint)"
        )
        told = (
            "SELECT w.trace_id FROM audit.spans AS w WHERE w.parent_span_id IS NULL "  # noqa: S608 - all values are bound
            f"AND audit.longest_wait(w.events) > {longer}::bigint"
        )
        return " UNION ".join(
            [
                told,
                blocked.format("b.attributes ->> 'interlock.refusal.code' IS NOT NULL"),
                blocked.format("b.attributes ->> 'interlock.answer' = 'fault'"),
            ]
        )


def day_of(text: str) -> tuple[datetime, datetime]:
    """The beginning and end of a UTC day, such as 2026-11-24. Raises ValueError for what is none."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("a day is written as 2026-11-24")
    first = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return first, first + timedelta(days=1)


def within(story: Story, question: Question) -> Story:
    """The story with only those acts and waits that lie in the time asked for."""
    since, until = question.since or _EPOCH, question.until or datetime.max.replace(tzinfo=UTC)
    return replace(
        story,
        acts=tuple(act for act in story.acts if since <= act.until < until),
        waits=tuple(wait for wait in story.waits if wait.since < until and (wait.until is None or wait.until >= since)),
    )


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def traces_of(hashes: Sequence[str]) -> tuple[str, ...]:
    """The traces of these terms."""
    return tuple(terms_hash[2:34] for terms_hash in hashes)
