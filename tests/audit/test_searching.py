"""Search finds exactly what a look at every settlement finds, in order, page by page."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest

from interlock.audit.install import ROOM
from interlock.audit.searching import Cursor, Question, day_of, keys, search
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol import Outcome
from interlock.protocol.reports import trace_id_of
from tests.audit.synthetic import BEGIN, PARTIES, Made, settlements
from tests.conftest import AuditServer

TAG = "SEARCHED"
NOW = BEGIN + timedelta(days=3)
Judged = Callable[[Made], bool]
DAY = day_of("2026-03-01")
ALICE = PARTIES[0]


@pytest.fixture(scope="session")
async def made(audit_server: AuditServer) -> dict[str, Made]:
    """300 settlements in the audit database, by their traces."""
    found = {trace_id_of(each.terms_hash): each for each in settlements(TAG, 300, parties=6)}
    rows = [span.row for each in found.values() for span in each.spans]
    writer = await asyncpg.connect(audit_server.dsn("writer"))
    await writer.execute(query("write_spans", ROOM), *(list(column) for column in zip(*rows, strict=True)))
    await writer.close()
    return found


@pytest.fixture
async def trail(audit_server: AuditServer) -> AsyncIterator[Connections]:
    """The trail, as its readers see it."""
    connections = await Connections.open(audit_server.dsn("reader"), size=2, timeout_s=20.0)
    yield connections
    await connections.close()


def of_day(each: Made) -> bool:
    return any(DAY[0] <= moment(span.start_ns) < DAY[1] for span in each.spans)


def moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def has_party(each: Made) -> bool:
    return ALICE in (each.seller, each.buyer)


def waited(seconds: float) -> Judged:
    def judged(each: Made) -> bool:
        open_one = [NOW.timestamp() * 1e9 - each.waiting_since] if each.waiting_since is not None else []
        return any(wait > seconds * 1e9 for wait in (*each.waits, *open_one))

    return judged


def moved(asset: str, least: int = 0, most: int = 10**40) -> Judged:
    return lambda each: any(code == asset and least <= quantity <= most for code, quantity in each.legs.values())


def all_of(*judges: Judged) -> Judged:
    return lambda each: all(judge(each) for judge in judges)


def refused_on_the_day(each: Made) -> bool:
    return any(
        span.attributes.get("interlock.refusal.code") == "insufficient_balance"
        and DAY[0] <= moment(span.start_ns) < DAY[1]
        for span in each.spans
    )


QUESTIONS: dict[str, tuple[Question, Judged]] = {
    "party": (Question(party=ALICE), has_party),
    "asset": (Question(asset="TBILL"), moved("TBILL")),
    "currency": (Question(asset="EUR"), moved("EUR")),
    "at least": (Question(asset="OUSG", at_least=8 * 10**21), moved("OUSG", 8 * 10**21)),
    "at most": (Question(asset="USD", at_most=10**8), moved("USD", 0, 10**8)),
    "day": (Question(since=DAY[0], until=DAY[1]), of_day),
    "since": (
        Question(since=BEGIN + timedelta(hours=20)),
        lambda each: any(moment(span.start_ns) >= BEGIN + timedelta(hours=20) for span in each.spans),
    ),
    "outcome": (Question(outcome=Outcome.EXPIRED), lambda each: each.outcome == "EXPIRED"),
    "refusal": (Question(refusal="account_frozen"), lambda each: "account_frozen" in each.refusals),
    "rejected": (Question(refusal="unknown_account"), lambda each: "unknown_account" in each.refusals),
    "waited": (Question(waited=timedelta(minutes=10)), waited(600)),
    "waited a moment": (Question(waited=timedelta(0)), waited(0)),
    "dissents": (Question(dissents=True), lambda each: each.dissents > 0),
    "party on a day": (Question(party=ALICE, since=DAY[0], until=DAY[1]), all_of(has_party, of_day)),
    "party, outcome": (
        Question(party=ALICE, outcome=Outcome.SETTLED),
        all_of(has_party, lambda each: each.outcome == "SETTLED"),
    ),
    "party, refusal": (
        Question(party=ALICE, refusal="insufficient_balance"),
        all_of(has_party, lambda each: "insufficient_balance" in each.refusals),
    ),
    "refusal on a day": (
        Question(refusal="insufficient_balance", since=DAY[0], until=DAY[1]),
        refused_on_the_day,
    ),
    "party waited": (Question(party=ALICE, waited=timedelta(seconds=30)), all_of(has_party, waited(30))),
    "dissents, asset": (Question(dissents=True, asset="USD"), all_of(lambda each: each.dissents > 0, moved("USD"))),
    "amount, outcome, day": (
        Question(asset="OUSG", at_least=10**21, outcome=Outcome.SETTLED, since=DAY[0], until=DAY[1]),
        all_of(moved("OUSG", 10**21), lambda each: each.outcome == "SETTLED", of_day),
    ),
    "refusal, dissents, waited": (
        Question(refusal="account_frozen", waited=timedelta(seconds=1), party=ALICE),
        all_of(has_party, lambda each: "account_frozen" in each.refusals, waited(1)),
    ),
    "everything": (Question(), lambda _: True),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_it_finds_what_a_look_at_every_settlement_finds(
    made: dict[str, Made], trail: Connections, name: str
) -> None:
    question, judged = QUESTIONS[name]
    expected = {trace_id for trace_id, each in made.items() if judged(each)}
    assert expected  # a question that nothing answers shows nothing
    page = await search(trail, question, limit=1000, after=None, now=NOW)
    found = [story.trace_id for story in page.stories if story.settlement_id.startswith(TAG)]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert page.next is None


@pytest.mark.parametrize("name", ["party", "day", "waited", "amount, outcome, day", "everything"])
async def test_pages_are_the_whole_in_order_without_gap_or_overlap(
    made: dict[str, Made], trail: Connections, name: str
) -> None:
    question, _ = QUESTIONS[name]
    whole = [story.trace_id for story in (await search(trail, question, limit=1000, after=None, now=NOW)).stories]
    paged: list[str] = []
    after: Cursor | None = None
    while True:
        page = await search(trail, question, limit=7, after=after, now=NOW)
        assert len(page.stories) <= 7
        paged += [story.trace_id for story in page.stories]
        if page.next is None:
            break
        after = Cursor.parse(str(page.next))
    assert paged == whole
    assert made.keys() & set(whole)


async def test_the_newest_come_first(made: dict[str, Made], trail: Connections) -> None:
    found = await keys(trail, Question(party=ALICE), limit=50, after=None, now=NOW)
    assert all(early > late for (_, early), (_, late) in pairwise([(t, (k.start_ns, k.span_id)) for t, k in found]))
    assert {trace_id for trace_id, _ in found} <= made.keys()


async def test_of_some_traces_only_those_are_looked_at(made: dict[str, Made], trail: Connections) -> None:
    chosen = tuple(list(made)[:20])
    page = await search(trail, Question(traces=chosen, outcome=Outcome.SETTLED), limit=50, after=None, now=NOW)
    expected = {trace_id for trace_id in chosen if made[trace_id].outcome == "SETTLED"}
    assert {story.trace_id for story in page.stories} == expected


async def test_a_value_is_a_value_whatever_is_in_it(made: dict[str, Made], trail: Connections) -> None:
    assert made
    page = await search(trail, Question(asset="'; DROP TABLE audit.spans; --"), limit=5, after=None, now=NOW)
    assert page.stories == ()


@pytest.mark.parametrize("text", ["", "x", "1", "1-2", "99999999999999999999-0123456789abcdef", "1-0123456789ABCDEF"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Cursor.parse(text)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "today", "2026-1-1", "20260101", ""])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"day|month|written"):
        day_of(text)
