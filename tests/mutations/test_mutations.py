"""Each mutation still applies, and a few are judged as `make mutations` judges all."""

import ast
from pathlib import Path

import pytest

from tests.mutations.__main__ import right
from tests.mutations.breaking import BREAKING
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.harmless import HARMLESS
from tests.mutations.looking import look
from tests.mutations.mutation import Mutation
from tests.mutations.report import BEGIN, END, PAGE
from tests.mutations.taking_over import taken_over, yard
from tests.safeguards.removal import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.what)
def test_it_applies_to_the_tree_as_it_stands(mutation: Mutation, tmp_path: Path) -> None:
    for each in mutation.replacements:
        copied = tmp_path / each.file
        copied.parent.mkdir(parents=True, exist_ok=True)
        if not copied.exists():
            copied.write_bytes((ROOT / each.file).read_bytes())
    mutation.apply(tmp_path)
    for each in mutation.replacements:
        ast.parse((tmp_path / each.file).read_text())


def test_there_are_enough_of_both_kinds_each_with_a_name_of_its_own() -> None:
    assert len(BREAKING) >= 25
    assert len(HARMLESS) >= 15
    assert len({each.what for each in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "mutation", [BREAKING[0], pytest.param(HARMLESS[1], marks=pytest.mark.long)], ids=lambda each: each.what
)
def test_one_that_breaks_is_noticed_and_one_that_is_harmless_is_not(mutation: Mutation) -> None:
    assert right(mutation, look(mutation))


def test_the_table_in_the_docs_has_each_of_them() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert [each.what for each in MUTATIONS if f"| {each.what} |" not in table] == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_open_settlements_are_kept_from_their_end_by_one_that_breaks_and_by_none_that_is_harmless(
    tmp_path: Path,
) -> None:
    """Nothing of the nets is asked: a worker with the change takes over what is open on a real server."""
    async with yard(tmp_path) as (client, quorum):
        assert "[TMPRL1100] Nondeterminism error" in await taken_over(client, quorum, BREAKING[0])
        assert await taken_over(client, quorum, HARMLESS[1]) == ""
