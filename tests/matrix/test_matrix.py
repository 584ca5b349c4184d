"""A cell of every row and column of the crash matrix, placements in turn; and that judge, memory and page are right."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest

from interlock.protocol import Lock, LockState, Verdict, VerdictKind
from tests.conftest import LedgerServer, PostgresWorld
from tests.matrix.campaign import ALL, Campaign, Place, Result
from tests.matrix.faults import COLUMNS, TABLES
from tests.matrix.lane import somebody_waits
from tests.matrix.page import page
from tests.matrix.placement import Placement
from tests.matrix.steps import ROWS
from tests.matrix.store import ROOT, Store
from tests.matrix.trade import REFUNDED, RELEASED, UNTOUCHED, Books, outcome_of

pytestmark = pytest.mark.timeout(600)  # what it waits for is given up by the engine after 15 s, many times over

_APART = (
    ("pay", "killed before the effect"),
    ("release", "lands late, after the retry has succeeded"),
    ("check", "Temporal's whole database lost"),
    ("attest VOIDED", "the ledger unreachable for a while"),
    ("void", "the workflow terminated"),
    ("refund", "the answer lost"),
    ("check", "the workflow cancelled from the Web UI"),
    ("attest", "down"),
    ("release", "lying"),
    ("match", "ahead, the asset ledger's"),
    ("lock", "behind, the asset ledger's"),
)
_HERE = (
    ("pay", "the worker killed and no other there for a while"),
    ("release", "killed after the commit, before the answer"),
    ("pay", "lands late, after the settlement has ended the other way"),
    ("match", "Temporal killed"),
    ("lock", "the answer delivered twice"),
    ("refund", "Postgres killed inside the transaction"),
    ("attest PAID", "slow"),
    ("void", "contradicting itself"),
    ("attest", "ahead, the payment ledger's"),
    ("attest VOIDED", "behind, the payment ledger's"),
)
SLICE: tuple[Place, ...] = (
    *((Placement.APART, *cell) for cell in _APART),
    *((Placement.HERE, *cell) for cell in _HERE),
)
"""The longest first, so that they wait side by side."""

ROOMS = 4


@pytest.fixture(scope="module")
async def driven() -> tuple[Mapping[Place, Result], list[str]]:
    """Every cell's result, and what was wrong with the ledgers' invariants in the end."""
    results: dict[Place, Result] = {}
    campaign = Campaign(SLICE, lambda result: results.update({result.place: result}))
    await campaign.run(lanes=1, rooms=ROOMS)
    return results, campaign.violations


@pytest.mark.parametrize("place", SLICE, ids=": ".join)
async def test_both_legs_or_neither(driven: tuple[Mapping[Place, Result], list[str]], place: Place) -> None:
    result = driven[0][place]
    assert result.wrong == ""
    assert result.outcome in ("SETTLED", "CANCELLED", "EXPIRED", "REJECTED")


async def test_the_invariants_hold_when_all_that_has_happened(
    driven: tuple[Mapping[Place, Result], list[str]],
) -> None:
    assert driven[1] == []


def test_every_row_and_every_column_is_among_these_cells() -> None:
    assert {step for _, step, _ in SLICE} == set(ROWS)
    assert sorted(fault for _, _, fault in SLICE) == sorted(COLUMNS)
    assert set(SLICE) <= set(ALL)


async def test_a_session_that_comes_after_the_first_look_is_seen_to_wait(
    ledger_server: LedgerServer, postgres_world: PostgresWorld
) -> None:
    database = postgres_world.asset_database
    holder = await asyncpg.connect(ledger_server.superuser_dsn(database))
    await holder.execute("BEGIN; LOCK TABLE ledger.locks IN ACCESS EXCLUSIVE MODE")
    await holder.fetch("SELECT FROM pg_stat_activity")
    writer = await asyncpg.connect(ledger_server.dsn(database))
    waiting = asyncio.create_task(writer.fetch("SELECT FROM ledger.locks"))
    try:
        await somebody_waits(holder, "ledger_writer")
    finally:
        await holder.close()
        await waiting
        await writer.close()


def shown(effects: Books, state: LockState | None, kind: VerdictKind | None, by: str = "consent") -> Books:
    """What the ledgers show when these effects stand beside a lock and a verdict."""
    lock = SimpleNamespace(state=state, locked="a receipt") if state else None
    verdict = SimpleNamespace(verdict=kind, authority=by) if kind else None
    return replace(effects, lock=cast(Lock | None, lock), verdict=cast(Verdict | None, verdict))


@pytest.mark.parametrize(
    ("books", "outcome"),
    [
        (shown(RELEASED, LockState.RELEASED, VerdictKind.PAID), "SETTLED"),
        (shown(REFUNDED, LockState.REFUNDED, VerdictKind.VOIDED), "CANCELLED"),
        (shown(REFUNDED, LockState.REFUNDED, VerdictKind.VOIDED, by="time"), "EXPIRED"),
        (shown(UNTOUCHED, None, None), "REJECTED"),
    ],
)
def test_an_end_is_told_by_what_the_ledgers_show(books: Books, outcome: str) -> None:
    assert outcome_of(books) == outcome


@pytest.mark.parametrize(
    "books",
    [
        pytest.param(shown(RELEASED, LockState.LOCKED, VerdictKind.PAID), id="paid and still locked"),
        pytest.param(shown(RELEASED, LockState.RELEASED, None), id="released without a verdict"),
        pytest.param(shown(RELEASED, LockState.RELEASED, VerdictKind.VOIDED), id="voided and released"),
        pytest.param(shown(REFUNDED, LockState.REFUNDED, VerdictKind.PAID), id="paid and refunded"),
        pytest.param(shown(REFUNDED, LockState.RELEASED, VerdictKind.PAID), id="said to be released, and refunded"),
        pytest.param(
            replace(shown(RELEASED, LockState.RELEASED, VerdictKind.PAID), sellers_cash=2 * RELEASED.sellers_cash),
            id="paid twice",
        ),
        pytest.param(
            replace(shown(RELEASED, LockState.RELEASED, VerdictKind.PAID), buyers_cash=()), id="paid with no one's cash"
        ),
        pytest.param(
            replace(shown(REFUNDED, LockState.REFUNDED, VerdictKind.VOIDED), sellers_units=REFUNDED.sellers_units[:1]),
            id="refunded, and nothing came back",
        ),
        pytest.param(replace(UNTOUCHED, buyers_cash=RELEASED.buyers_cash), id="no row, and cash is gone"),
    ],
)
def test_what_is_no_end_is_judged_wrong(books: Books) -> None:
    with pytest.raises(ValueError, match=r"is no end|where .* is due"):
        outcome_of(books)


def result_of(place: Place, outcome: str = "SETTLED", wrong: str = "") -> Result:
    placement, step, fault = place
    return Result(placement=placement, step=step, fault=fault, outcome=outcome, seconds=1.0, wrong=wrong)


def test_a_run_goes_on_with_the_cells_that_are_not_finished_in_this_tree(tmp_path: Path) -> None:
    done, wrong, other, untried = ALL[:4]
    (tmp_path / "cells.jsonl").write_text('{"tree": "an old tree", "result": {"what": "was not said so then"}}\n')
    kept = tmp_path / "cells.jsonl"
    Store(kept, "another tree", fresh=False).keep(result_of(other))
    first = Store(kept, "this tree", fresh=False)
    first.keep(result_of(done))
    first.keep(result_of(wrong, wrong="both legs moved, one of them twice"))
    assert Store(kept, "this tree", fresh=False).missing(ALL[:4]) == [wrong, other, untried]
    assert Store(kept, "this tree", fresh=True).missing(ALL[:4]) == list(ALL[:4])


def test_the_page_shows_every_cell_of_every_table() -> None:
    assert_whole(page({place: result_of(place) for place in ALL}))


def test_the_page_says_where_a_cell_ended_in_two_ways() -> None:
    results = {place: result_of(place) for place in ALL}
    first = next(place for place in ALL if place[0] is Placement.HERE)
    text = page(results | {first: result_of(first, outcome="EXPIRED")})
    assert text.count("| ● 1.0 s / ○ expired 1.0 s |") == 1
    assert_whole(text)


def test_the_committed_page_misses_no_cell() -> None:
    assert_whole((ROOT / "docs" / "crash-matrix.md").read_text(encoding="utf-8"))


ENDED = r"(●|○ (cancelled|expired|rejected)) [0-9.]+"
IN_BOTH = re.compile(rf" {ENDED} (s / {ENDED}|/ [0-9.]+) s ")


def assert_whole(text: str) -> None:
    """One table for each group of faults: a column for each fault, a row for each step, two ends in each cell."""
    tables = [part.splitlines() for part in re.findall(r"(?:^\| .*\|\n|^\|-.*\|\n)+", text, re.MULTILINE)]
    found = [table for table in tables if table[0].startswith("| step |")]
    assert len(found) == len(TABLES)
    for table, faults in zip(found, TABLES.values(), strict=True):
        assert table[0] == "| step | " + " | ".join(fault.name for fault in faults) + " |"
        rows = [line.strip("|").split("|") for line in table[2:]]
        assert [row[0].strip(" *") for row in rows] == list(ROWS)
        for row in rows:
            assert len(row) == len(faults) + 1
            assert all(IN_BOTH.fullmatch(cell) for cell in row[1:])
