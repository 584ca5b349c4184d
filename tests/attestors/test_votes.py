"""The vote file: it survives a restart, refuses a second verdict, and nothing stands in for one that was lost."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from interlock.attestors.votes import Conflict, VotesLost, VoteStore
from interlock.protocol import Fact, Statement
from tests.world import ATTESTORS, COORDINATOR

ME, OTHER = ATTESTORS[0].address, ATTESTORS[1].address


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def vote(fact: Fact, number: int = 1, position: int = 1) -> Statement:
    return Statement(
        fact=fact,
        coordinator=COORDINATOR.identity,
        terms_hash="0x" + number.to_bytes(32, "big").hex(),
        ledger="payment",
        reference=f"payment:{position}",
        position=position,
    )


async def test_hazard_06_votes_survive_a_restart(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    assert await store.record([vote(Fact.LOCKED), vote(Fact.PAID)]) == [None, None]
    await store.close()
    again = VoteStore.open(tmp_path / "votes", ME)
    assert again.count == 2
    assert [statement for _, statement in await again.after(0, 10)] == [vote(Fact.LOCKED), vote(Fact.PAID)]
    assert await again.record([vote(Fact.VOIDED), vote(Fact.PAID)]) == [Conflict(Fact.PAID), None]
    assert again.count == 2
    await again.close()


async def test_a_conflict_within_one_commit_is_refused_and_spoils_nothing_else(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    both = [vote(Fact.PAID, 1), vote(Fact.VOIDED, 1), vote(Fact.VOIDED, 2)]
    assert await store.record(both) == [None, Conflict(Fact.PAID), None]
    assert store.count == 2
    await store.close()


async def test_hazard_06_the_same_fact_at_another_place_is_refused_as_it_would_contradict(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    for fact in (Fact.LOCKED, Fact.PAID):
        assert await store.record([vote(fact)]) == [None]
        moved = [vote(fact, position=2), vote(fact).model_copy(update={"ledger": "other"})]
        assert await store.record(moved) == [Conflict(fact, vote(fact).said)] * 2
    assert store.count == 2
    await store.close()


async def test_the_same_word_in_the_name_of_a_successor_set_is_no_conflict(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    successor = COORDINATOR.identity.model_copy(update={"epoch": 2})
    assert await store.record([vote(Fact.PAID)]) == [None]
    assert await store.record([vote(Fact.PAID).model_copy(update={"coordinator": successor})]) == [None]
    await store.close()


async def test_many_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    votes = [vote(fact, number) for number in range(20) for fact in (Fact.PAID, Fact.VOIDED)]
    answers = await asyncio.gather(*(store.record([each]) for each in votes))
    assert answers == [[None], [Conflict(Fact.PAID)]] * 20
    await store.close()


async def test_hazard_06_two_processes_on_one_file_still_give_one_verdict(tmp_path: Path) -> None:
    first = VoteStore.create(tmp_path / "votes", ME)
    second = VoteStore.open(tmp_path / "votes", ME)
    answers = await asyncio.gather(first.record([vote(Fact.PAID)]), second.record([vote(Fact.VOIDED)]))
    assert sum(answer == [None] for answer in answers) == 1
    await first.close()
    await second.close()


async def test_hazard_06_a_missing_file_is_lost_votes_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(VotesLost, match="must not sign again"):
        VoteStore.open(tmp_path / "votes", ME)
    assert names_in(tmp_path) == []


async def test_another_keys_votes_are_refused(tmp_path: Path) -> None:
    await VoteStore.create(tmp_path / "votes", OTHER).close()
    with pytest.raises(VotesLost, match=f"{OTHER}, not of {ME}"):
        VoteStore.open(tmp_path / "votes", ME)


@pytest.mark.parametrize("content", [b"", b"no database at all " * 50])
async def test_a_broken_file_is_lost_votes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "votes").write_bytes(content)
    with pytest.raises(VotesLost, match="no readable vote file"):
        VoteStore.open(tmp_path / "votes", ME)


async def test_votes_that_exist_are_never_created_over(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    await store.record([vote(Fact.PAID)])
    await store.close()
    with pytest.raises(FileExistsError):
        VoteStore.create(tmp_path / "votes", ME)
    again = VoteStore.open(tmp_path / "votes", ME)
    assert again.count == 1
    await again.close()
    assert names_in(tmp_path) == ["votes"]


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ("UPDATE vote SET fact = 'VOIDED'", "never changed"),
        ("DELETE FROM vote", "never deleted"),
        ("INSERT INTO vote (terms_hash, fact, statement) SELECT terms_hash, 'VOIDED', statement FROM vote", "UNIQUE"),
    ],
)
async def test_hazard_06_the_file_itself_refuses_to_change_a_verdict(tmp_path: Path, attack: str, message: str) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    await store.record([vote(Fact.PAID)])
    await store.close()
    connection = sqlite3.connect(tmp_path / "votes")
    with pytest.raises(sqlite3.IntegrityError, match=message):
        connection.execute(attack)
    connection.close()


async def test_a_vote_that_cannot_be_kept_is_a_fault(tmp_path: Path) -> None:
    store = VoteStore.create(tmp_path / "votes", ME)
    blocker = sqlite3.connect(tmp_path / "votes", isolation_level=None)
    store._connection.execute("PRAGMA busy_timeout = 0")
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await store.record([vote(Fact.PAID)])
    blocker.execute("ROLLBACK")
    blocker.close()
    assert await store.record([vote(Fact.PAID)]) == [None]
    await store.close()
