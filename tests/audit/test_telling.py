"""Stories of real trades: from what workers recorded and what ledgers keep; on a page, everything escaped."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from interlock.audit.journals import Journal
from interlock.audit.spans import StoredSpan
from interlock.audit.story import Story
from interlock.audit.telling import tell
from interlock.cli.audit_page import lasting, page, rows_of
from interlock.cli.audit_show import write_whole
from interlock.cli.errors import CliError
from interlock.ledgers.connections import Connections
from interlock.protocol import Fact, Receipt, Terms
from interlock.protocol.records import Record
from tests.audit.synthetic import settlements
from tests.audit.trading import Traded
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, BUYER, NETWORK, OPERATORS, SELLER

NOW = datetime(2027, 1, 1, tzinfo=UTC)
EVIL = '<script>alert("x")</script>&<img src=x onerror=y>\'"'


def told(traded: Traded, scenario: str) -> Story:
    trade = traded.trades[scenario]
    assert trade.handle.terms_hash is not None
    return tell(trade.handle.terms_hash, trade.stored)


@pytest.mark.parametrize(
    ("scenario", "state", "code"),
    [
        ("settled", "SETTLED", None),
        ("rejected", "REJECTED", None),
        ("expired", "EXPIRED", "insufficient_balance"),
        ("cancelled", "CANCELLED", "insufficient_balance"),
        ("terminated", "SETTLED", "insufficient_balance"),
        ("killed", "SETTLED", "no_quorum"),
    ],
)
def test_a_story_says_how_it_ended_and_what_was_waited_for(
    traded: Traded, scenario: str, state: str, code: str | None
) -> None:
    story = told(traded, scenario)
    assert (story.state, story.outcome, story.ended) == (state, state, True)
    assert story.settlement_id.startswith(scenario.upper())
    assert (story.seller, story.buyer) == (SELLER.address, BUYER.address)
    codes = [wait.code for wait in story.waits]
    assert code in codes if code is not None else codes == []
    assert all(wait.until is not None and wait.since <= wait.until for wait in story.waits)
    assert [act.until for act in story.acts] == sorted(act.until for act in story.acts)
    assert [act.what for act in story.acts if act.kind == "end"] == [f"ended {state}"]


def test_every_attempt_of_the_trace_is_in_the_story(traded: Traded) -> None:
    for scenario, trade in traded.trades.items():
        spans = {span.span_id for span in trade.stored}
        assert {act.span_id for act in told(traded, scenario).acts} == spans


def test_refused_attempts_say_why_and_who_can_change_it(traded: Traded) -> None:
    story = told(traded, "expired")
    refused = [act for act in story.acts if act.kind == "refusal"]
    assert story.retries == len(refused) > 0
    assert {act.code for act in refused} == {"insufficient_balance"}
    (wait,) = [each for each in story.waits if each.code == "insufficient_balance"]
    assert wait.text in refused[0].what
    assert wait.attempts == len(refused)
    assert wait.who


def test_who_did_not_sign_is_a_dissent_of_that_attestor_and_told_once(traded: Traded) -> None:
    story = told(traded, "killed")
    dissents = [(act.who, act.what, act.span_id) for act in story.dissents]
    assert len({who for who, _, _ in dissents}) == 2
    assert len(dissents) == len(set(dissents))
    assert all(act.lane == "attestors" and act.who.startswith("0x") for act in story.dissents)


def test_a_run_taken_up_again_is_in_the_story_with_what_the_first_run_waited_for(traded: Traded) -> None:
    story = told(traded, "terminated")
    assert [act.kind for act in story.acts].count("recovery") >= 1
    assert next(wait.code for wait in story.waits) == "insufficient_balance"


def test_a_settlement_that_has_not_ended_waits_still() -> None:
    for made in settlements("OPEN", 200):
        if made.waiting_since is None:
            continue
        story = tell(made.terms_hash, made.spans)
        (wait,) = story.waits
        assert (story.ended, story.outcome, story.state) == (False, None, "LOCKED")
        assert (wait.until, wait.attempts, wait.code in made.refusals) == (None, 2, True)
        assert wait.seconds(wait.since + timedelta(seconds=90)) == 90
        return
    pytest.fail("no settlement was made that waits")


def test_a_proposal_that_was_never_matched_says_so_and_what_was_matched_instead() -> None:
    made = next(each for each in settlements("PASSED", 50) if each.outcome == "SETTLED")
    root = next(span for span in made.spans if span.parent_span_id is None)
    kept = {name: value for name, value in root.attributes.items() if name != "interlock.outcome"}
    said = kept | {"interlock.unmatched": "passed over", "interlock.instead": "0xother"}
    story = tell(made.terms_hash, [replace(root, attributes=said)])
    assert (story.state, story.outcome, story.ended) == ("never matched: passed over", None, True)
    assert story.reason == "terms 0xother were matched in their place"


def test_what_was_rebuilt_from_an_entry_is_marked() -> None:
    (made,) = settlements("REBUILT", 1)
    spans = [
        replace(span, attributes=span.attributes | {"interlock.reconstructed": True}) if span.name == "lock" else span
        for span in made.spans
    ]
    assert [act.step for act in tell(made.terms_hash, spans).acts if act.reconstructed] == ["lock"]


class Kept:
    """Real ledgers' records of terms."""

    def __init__(self, world: PostgresWorld, journals: dict[str, Journal]) -> None:
        self.world, self._journals = world, journals

    async def entries(self, terms: Terms) -> list[tuple[str, Record]]:
        terms_hash = terms.hash(NETWORK)
        return [
            (name, record)
            for name, journal in self._journals.items()
            for record in await journal.records_of_terms(terms_hash)
        ]

    async def story(self, terms: Terms) -> Story:
        return tell(terms.hash(NETWORK), [], await self.entries(terms), {("quorum", 1): 4})


@pytest.fixture
async def kept(postgres_world: PostgresWorld) -> AsyncIterator[Kept]:
    """Ledgers, and their journals as an auditor reads them."""
    async with AsyncExitStack() as held:
        journals = {}
        for name in ("asset", "payment"):
            dsn = postgres_world.servers.dsn(postgres_world.database(name), "auditor")
            connections = await Connections.open(dsn, size=1, timeout_s=20.0)
            held.push_async_callback(connections.close)
            journals[name] = Journal(name, connections)
        yield Kept(postgres_world, journals)


async def test_an_effect_is_told_with_its_amount_and_on_whose_authority(kept: Kept) -> None:
    terms = kept.world.terms()
    await kept.world.settled(terms)
    story = await kept.story(terms)
    assert [(act.step, act.lane) for act in story.acts] == [
        ("lock", "asset ledger"),
        ("pay", "payment ledger"),
        ("release", "asset ledger"),
    ]
    lock, pay, release = story.acts
    assert lock.what == "locked: 2,500 OUSG from alpine to escrow"
    assert pay.what == "paid, verdict PAID: 285,000 USD from northbank to alpine"
    assert release.what == "released: 2,500 OUSG from escrow to northbank"
    assert lock.authority[0].count("seller " + SELLER.address) == 1
    assert lock.authority[0].count("buyer " + BUYER.address) == 1
    assert pay.authority[1].startswith("certificate LOCKED: 3 of 4 attestors of quorum, epoch 1: 0x")
    assert release.authority[0].startswith("certificate PAID: 3 of 4")
    assert (story.state, story.ended, lock.sides, pay.sides) == ("SETTLED", False, ("seller",), ("buyer", "seller"))
    assert (story.delivery.amount, story.delivery.deliverer) == ("2,500 OUSG", "alpine") if story.delivery else False


async def test_a_void_says_who_consented_or_ordered_it_and_why(kept: Kept) -> None:
    world = kept.world
    consented, ordered = world.terms(), world.terms()
    signed, given = world.signed(consented), world.consent(consented)
    assert isinstance(await world.payment.void(signed, given, ATTEMPT), Receipt)
    order = world.by_operators(ordered)
    receipt = await world.payment.void(world.signed(ordered), order, ATTEMPT)
    assert isinstance(receipt, Receipt)
    certificate = world.certificate(Fact.VOIDED, ordered, receipt)
    assert isinstance(await world.asset.refund(ordered, certificate, ATTEMPT), Receipt)
    (void,) = (await kept.story(consented)).acts
    assert void.authority[-1].startswith("consent to cancel of seller")
    assert void.sides == ("seller", "buyer")
    void, refund = (await kept.story(ordered)).acts
    assert void.authority[-1] == (f"operators {OPERATORS[0].address} and {OPERATORS[1].address}: tests say so")
    assert "nothing was locked" in refund.what


class Seen(HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words += data


def seen(story: Story) -> Seen:
    text = page(story, [("asset ledger, journal entry 7 (lock)", "sealed in block 3")], NOW)
    assert "://" not in text
    assert "@import" not in text
    assert "url(" not in text.replace("url(#hatch)", "")
    found = Seen(text)
    assert found.open == []  # every element that was opened was closed
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(found.elements)
    assert not [name for name, _ in found.attributes if name in ("src", "href", "action") or name.startswith("on")]
    return found


@pytest.mark.parametrize("scenario", ["settled", "rejected", "expired", "cancelled", "terminated", "killed"])
def test_a_page_needs_nothing_else_and_tells_every_act_and_wait(traded: Traded, scenario: str) -> None:
    story = told(traded, scenario)
    words = seen(story).words
    for each in (story.terms_hash, story.trace_id, story.seller, story.buyer, story.state, "sealed in block 3"):
        assert each in words
    for row in rows_of(story.acts):
        assert row.act.what in words
        assert row.act.span_id in words
    for wait in story.waits:
        assert wait.text in words
        assert f"[{wait.code}]" in words


def test_what_others_wrote_is_text_on_the_page_and_nothing_else() -> None:
    made = next(each for each in settlements("EVIL", 200) if each.waits)

    def spoiled(span: StoredSpan) -> StoredSpan:
        keep = ("interlock.answer", "interlock.role", "interlock.leg", "interlock.quantity", "interlock.outcome")
        said = {
            name: EVIL if isinstance(value, str) and name not in keep else value
            for name, value in span.attributes.items()
        }
        events = tuple(
            replace(event, attributes=event.attributes | {"interlock.text": f"seller {EVIL}"}) for event in span.events
        )
        return replace(span, name=EVIL if span.parent_span_id else span.name, attributes=said, events=events)

    found = seen(tell(made.terms_hash, [spoiled(span) for span in made.spans]))
    assert found.words.count("<script>") > 10


def test_equal_refusals_one_after_the_other_are_one_row() -> None:
    made = next(each for each in settlements("ROWS", 200) if each.waits)
    story = tell(made.terms_hash, made.spans)
    rows = rows_of(story.acts)
    assert sum(row.times for row in rows) == len(story.acts)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


def test_nothing_recorded_is_an_empty_story_and_still_a_page() -> None:
    found = seen(tell("0x" + "ab" * 32, []))
    assert "0x" + "ab" * 32 in found.words


def test_a_file_is_written_whole_or_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("before")
    write_whole(file, "after")
    assert file.read_text() == "after"
    with pytest.raises(CliError) as caught:
        write_whole(tmp_path / "nowhere" / "page.html", "text")
    assert (caught.value.field, "nowhere" in caught.value.message) == ("html", True)
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "half \ud800")
    assert file.read_text() == "after"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0084, "8 ms"), (12.34, "12.3 s"), (75, "1 min 15 s"), (3900, "1 h 5 min"), (90000, "1 d 1 h")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert lasting(seconds) == text
