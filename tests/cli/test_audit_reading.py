"""`audit show` and `audit search`, as people call them: on real ledgers and a real trail, with no Temporal."""

import json
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from interlock.audit.install import ROOM
from interlock.ledgers.queries import query
from tests.audit.synthetic import settlements
from tests.cli.conftest import Ran, Run, command
from tests.conftest import AuditServer, PostgresWorld
from tests.world import ATTEMPT, NETWORK, OPERATORS


class Desk:
    """A data folder that leads to the ledgers and the trail."""

    def __init__(self, folder: Path, world: PostgresWorld) -> None:
        self.folder, self.world = folder, world

    def run(self, *words: str) -> Ran:
        return command(self.folder.parent, "--data-dir", str(self.folder), "audit", *words)


@pytest.fixture
async def desk(tmp_path: Path, postgres_world: PostgresWorld, audit_server: AuditServer) -> Desk:
    """A folder as `interlock up` leaves it."""
    folder = tmp_path / "stack"
    folder.mkdir()
    ledgers = {
        name: {"reader": postgres_world.servers.dsn(postgres_world.database(name), "auditor")}
        for name in ("asset", "payment")
    }
    (folder / "ledgers.json").write_text(json.dumps(ledgers))
    (folder / "audit.json").write_text(json.dumps({"reader": audit_server.dsn("reader")}))
    return Desk(folder, postgres_world)


async def test_show_tells_what_ledgers_keep_even_where_no_span_is_left(desk: Desk) -> None:
    terms = desk.world.terms()
    await desk.world.settled(terms)
    for name in (terms.settlement_id, terms.hash(NETWORK)):
        ran = desk.run("show", name, "--json")
        assert (ran.code, ran.json["terms_hash"], ran.json["state"]) == (0, terms.hash(NETWORK), "SETTLED")
        assert [act["step"] for act in ran.json["acts"]] == ["lock", "pay", "release"]
        assert {each["state"] for each in ran.json["evidence"]} == {"not yet sealed"}
    said = desk.run("show", terms.settlement_id).out
    assert "paid, verdict PAID: 285,000 USD from northbank to alpine" in said
    assert "certificate PAID: 3 of 4 attestors" in said


async def test_show_writes_a_page_or_says_why_it_cannot(desk: Desk) -> None:
    terms = desk.world.terms()
    await desk.world.settled(terms)
    file = desk.folder / "page.html"
    assert desk.run("show", terms.settlement_id, "--html", str(file)).code == 0
    assert file.read_text().startswith("<!DOCTYPE html>")
    ran = desk.run("show", terms.settlement_id, "--html", str(desk.folder / "nowhere" / "page.html"), "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "file", "html")


async def test_an_id_of_several_terms_is_refused_with_their_hashes_and_one_can_be_named(desk: Desk) -> None:
    one = desk.world.terms()
    other = desk.world.terms(settlement_id=one.settlement_id, delivery={"quantity": 7})
    for terms in (one, other):
        await desk.world.voided(terms)
    ran = desk.run("show", one.settlement_id, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "ambiguous_settlement", "terms")
    assert one.hash(NETWORK) in ran.error["message"]
    assert other.hash(NETWORK) in ran.error["message"]
    named = desk.run("show", one.settlement_id, "--terms", other.hash(NETWORK), "--json")
    assert (named.code, named.json["terms_hash"]) == (0, other.hash(NETWORK))
    unknown = desk.run("show", one.settlement_id, "--terms", "0x" + "ab" * 32, "--json")
    assert (unknown.code, unknown.error["code"]) == (1, "unknown_terms")


async def test_every_act_of_operators_is_found_page_by_page_with_signers_and_reason(desk: Desk) -> None:
    terms = desk.world.terms()
    receipt = await desk.world.payment.void(desk.world.signed(terms), desk.world.by_operators(terms), ATTEMPT)
    assert receipt.kind == "receipt"
    whole = desk.run("search", "--operators", "--json").json
    operations = [act["operation"] for act in whole["acts"]]
    assert (operations[0], whole["next"]) == ("void", None)
    assert sorted(operations[1:]) == ["mint", "mint", "open", "open", "open", "open"]
    assert [act["at"] for act in whole["acts"]] == sorted((act["at"] for act in whole["acts"]), reverse=True)
    for act in whole["acts"]:
        assert act["operators"] == [each.address for each in OPERATORS[:2]]
        assert act["reason"] == "tests say so"
    paged: list[object] = []
    after: list[str] = []
    while True:
        page = desk.run("search", "--operators", "--limit", "3", *after, "--json").json
        paged += page["acts"]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert paged == whole["acts"]
    mints = desk.run("search", "--operators", "--account", "alpine", "--asset", "OUSG", "--json").json["acts"]
    assert [(act["operation"], act["ledger"]) for act in mints] == [("mint", "asset")]
    by = desk.run("search", "--operators", "--party", OPERATORS[2].address, "--json").json["acts"]
    assert by == []
    assert desk.run("search", "--operators", "--until", "2020-01-01", "--json").json["acts"] == []
    assert "tests say so" in desk.run("search", "--operators").out


async def test_settlements_are_found_by_what_moved_on_an_account(desk: Desk, audit_server: AuditServer) -> None:
    terms = desk.world.terms()
    await desk.world.settled(terms)
    (made,) = settlements(f"ACCOUNT-{terms.settlement_id}", 1)
    # the trail has no span of a trade that only the ledgers know: it is found once there is one
    assert desk.run("search", "--account", "alpine", "--json").json["settlements"] == []
    span = made.spans[0]
    terms_hash = terms.hash(NETWORK)
    said = span.attributes | {"interlock.terms.hash": terms_hash, "interlock.settlement.id": terms.settlement_id}
    row = (terms_hash[2:34], *span.row[1:9], json.dumps(said), *span.row[10:])
    writer = await asyncpg.connect(audit_server.dsn("writer"))
    await writer.execute(query("write_spans", ROOM), *([value] for value in row))
    await writer.close()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for words in (("alpine",), ("northbank",), ("alpine", "--since", today)):
        found = desk.run("search", "--account", *words, "--json").json["settlements"]
        assert [each["terms_hash"] for each in found] == [terms_hash]
    assert desk.run("search", "--account", "alpine", "--until", "2020-01-01", "--json").json["settlements"] == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--party", "nobody"), "party"),
        (("--party", "0x1234"), "party"),
        (("--account", "no such name"), "account"),
        (("--asset", "ousg"), "asset"),
        (("--asset", "NONE", "--amount-min", "1"), "asset"),
        (("--amount-min", "1"), "amount-min"),
        (("--asset", "USD", "--amount-min", "-1"), "amount-min"),
        (("--asset", "USD", "--amount-max", "1.234"), "amount-max"),
        (("--asset", "USD", "--amount-min", "2", "--amount-max", "1"), "amount-max"),
        (("--since", "yesterday"), "since"),
        (("--until", "2026-02-30"), "until"),
        (("--since", "2026-02-02", "--until", "2026-02-01"), "until"),
        (("--day", "2026-2-1"), "day"),
        (("--day", "2026-02-01", "--since", "2026-02-01"), "day"),
        (("--outcome", "settled"), "outcome"),
        (("--refusal", "no_money"), "refusal"),
        (("--waited-longer-than", "10"), "waited-longer-than"),
        (("--limit", "0"), "limit"),
        (("--limit", "1001"), "limit"),
        (("--after", "1-2"), "after"),
        (("--operators", "--outcome", "SETTLED"), "outcome"),
        (("--operators", "--dissents"), "dissents"),
        (("--operators", "--after", "1-0123456789abcdef"), "after"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(
    desk: Desk, words: tuple[str, ...], field: str
) -> None:
    ran = desk.run("search", *words, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (2, "usage", field)


def test_without_a_stack_it_says_what_to_start(interlock: Run) -> None:
    for words in (("show", "X"), ("search",), ("search", "--operators")):
        ran = interlock("audit", *words, "--json")
        assert (ran.code, ran.error["code"]) == (3, "unreachable")


def test_an_account_or_settlement_that_nobody_knows_is_said_to_be_unknown(desk: Desk) -> None:
    ran = desk.run("search", "--account", "nobody", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "unknown_account", "account")
    ran = desk.run("show", "NO-SUCH-TRADE", "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (1, "unknown_settlement", "id")
