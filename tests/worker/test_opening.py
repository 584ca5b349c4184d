"""Whose word keeps a ledger closed, and that a ledger which forgot what was signed is found out (hazard 22)."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from interlock.attestors.answers import Kept, Votes
from interlock.attestors.collector import Collector
from interlock.attestors.statements import Said
from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Attested, Fact, LocalSigner, Receipt, SignedStatement, Statement, Terms
from interlock.protocol.names import Role
from interlock.worker.opening import Look, Missing, Opening, weigh
from tests.conftest import PostgresWorld
from tests.worker.conftest import Quorum
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK, STRANGER, receipt

HASH, OTHER = "0x" + "ab" * 32, "0x" + "cd" * 32
FIRST, SECOND, THIRD, LIAR = ATTESTORS


def said(
    by: LocalSigner,
    *facts: tuple[str, Fact],
    complete: bool = True,
    key: LocalSigner | None = None,
    network: str = NETWORK,
    ledger: str = "payment",
) -> Said:
    """What an attestor says it signed; another `key` forges it."""
    statements = [
        Statement(
            fact=fact,
            coordinator=COORDINATOR.identity,
            terms_hash=terms_hash,
            ledger=ledger,
            reference="row",
            position=7,
        )
        for terms_hash, fact in facts
    ]
    signed = tuple(SignedStatement(statement=each, signature=(key or by).sign(each, network)) for each in statements)
    return Said(by.address, signed, complete)


def look(*words: Said, stands: set[tuple[str, Fact]] | None = None) -> Look:
    return weigh(words, stands or set(), "payment", NETWORK, COORDINATOR)


PAID = (HASH, Fact.PAID)
MISSED = (Missing(Fact.PAID, HASH, position=7, reference="row"),)


def test_what_stands_is_not_missed() -> None:
    assert look(*(said(each, PAID) for each in ATTESTORS), stands={PAID}) == Look(4, 3, ())


def test_hazard_22_a_fact_that_a_quorum_signed_is_missed() -> None:
    found = look(said(FIRST, PAID), said(SECOND, PAID), said(THIRD, PAID), said(LIAR))
    assert found == Look(4, 3, MISSED)
    assert not found.complete


def test_hazard_22_the_other_verdict_does_not_stand_in_for_the_one_that_was_signed() -> None:
    assert look(*(said(each, PAID) for each in ATTESTORS), stands={(HASH, Fact.VOIDED)}).missing == MISSED


def test_one_liar_closes_nothing_while_all_answer() -> None:
    found = look(said(FIRST), said(SECOND), said(THIRD), said(LIAR, PAID, (OTHER, Fact.VOIDED)))
    assert found == Look(4, 3, ())
    assert found.complete


def test_a_single_word_counts_while_another_attestor_is_silent() -> None:
    """Of a certificate by the first, the silent and the liar, the first's is all that is left to see."""
    assert look(said(FIRST, PAID), said(THIRD), said(LIAR)).missing == MISSED


def test_two_answers_are_too_few_as_one_of_them_may_hide_what_it_signed() -> None:
    found = look(said(FIRST), said(LIAR))
    assert found == Look(2, 3, ())
    assert not found.complete


def test_an_attestor_that_says_more_than_is_read_is_no_answer_yet_its_word_counts_beside_an_honest_one() -> None:
    endless = said(LIAR, PAID, complete=False)
    assert look(said(FIRST), said(SECOND), said(THIRD), endless) == Look(3, 3, ())
    assert look(said(FIRST, PAID), said(SECOND), said(THIRD), endless).missing == MISSED


@pytest.mark.parametrize("changes", [{"key": STRANGER}, {"network": "0x" + "11" * 32}, {"ledger": "asset"}])
def test_words_that_do_not_verify_or_are_of_another_ledger_do_not_count(changes: dict[str, Any]) -> None:
    assert look(*(said(each, PAID, **changes) for each in ATTESTORS)) == Look(4, 3, ())


def missed(fact: Fact, receipt: Receipt | None) -> Missing:
    """What is said of a fact once the ledger has lost the entry that this receipt is of."""
    assert receipt is not None
    return Missing(fact, receipt.terms_hash, receipt.position, receipt.reference)


def test_a_liar_does_not_choose_the_words_for_what_is_missing() -> None:
    """It signs the same fact under another entry; the entry that most name is the one that is shown."""
    words = said(LIAR, PAID).signed[0].statement.model_copy(update={"reference": "elsewhere", "position": 9})
    lie = Said(LIAR.address, (SignedStatement(statement=words, signature=LIAR.sign(words, NETWORK)),), complete=True)
    assert look(lie, said(FIRST, PAID), said(SECOND, PAID), said(THIRD)).missing == MISSED


async def certify(quorum: Quorum, fact: Fact, terms: Terms, ledger: str) -> None:
    """Have every attestor sign a fact that stands."""
    async with Collector(quorum.urls, COORDINATOR, NETWORK, timeout_seconds=20.0, grace_seconds=20.0) as collector:
        answer = await collector.collect(fact, terms.hash(NETWORK), ledger)
    assert isinstance(answer, Attested)
    assert answer.dissents == ()


def opening() -> Opening:
    """The opening of a role, whose ledger is given to it."""
    closed = asyncio.Event()
    return Opening(Role.ASSET, "", pool_size=2, attestors=COORDINATOR, network=NETWORK, closed=closed)


async def looked(ledger: PostgresLedger, quorum: Quorum) -> Look:
    """One look at a ledger."""
    async with quorum.reader() as statements:
        return await opening().look(ledger, statements)


async def test_a_ledger_that_holds_all_that_was_signed_may_open(postgres_world: PostgresWorld, quorum: Quorum) -> None:
    world = postgres_world
    released, voided = world.terms(), world.terms()
    certificate = await world.paid(released)
    await certify(quorum, Fact.LOCKED, released, "asset")
    receipt(await world.asset.release(released, certificate, ATTEMPT))
    await world.voided(voided)
    await certify(quorum, Fact.PAID, released, "payment")
    await certify(quorum, Fact.VOIDED, voided, "payment")
    for ledger in (world.asset, world.payment):
        assert await looked(ledger, quorum) == Look(4, 3, ())


async def test_hazard_22_a_ledger_that_forgot_locks_or_verdicts_may_not(
    postgres_world: PostgresWorld, quorum: Quorum
) -> None:
    world = postgres_world
    paid, voided = world.terms(), world.terms()
    await world.paid(paid)
    await world.voided(voided)
    await certify(quorum, Fact.LOCKED, paid, "asset")
    await certify(quorum, Fact.PAID, paid, "payment")
    await certify(quorum, Fact.VOIDED, voided, "payment")
    lock = await world.asset.lock_of(paid.hash(NETWORK))
    verdicts = [await world.payment.verdict_of(each.hash(NETWORK)) for each in (paid, voided)]
    assert lock is not None
    locked = [missed(Fact.LOCKED, lock.locked)]
    decided = [missed(Fact(each.verdict), each.receipt) for each in verdicts if each is not None]
    for name, facts in (("asset", locked), ("payment", decided)):
        database = await world.servers.fresh(name)  # as it was born
        async with await PostgresLedger.connect(world.servers.dsn(database)) as forgetful:
            assert await looked(forgetful, quorum) == Look(4, 3, tuple(facts))
        await world.servers.give_back(name, database)


async def test_one_attestor_may_be_away_and_while_two_are_the_role_stays_closed(
    postgres_world: PostgresWorld, quorum: Quorum, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("interlock.worker.opening._PATIENCE_SECONDS", 0.0)
    role = opening()
    async with quorum.reader() as statements:
        await quorum.lose(0)
        await role.opened(postgres_world.asset, statements)
        assert caplog.messages == []
        await quorum.lose(1)
        opens = asyncio.create_task(role.opened(postgres_world.asset, statements))
        await asyncio.wait_for(role._closed.wait(), 30)
        assert not opens.done()
        await quorum.come_back(1)
        await asyncio.wait_for(opens, 30)
    assert caplog.messages == [
        "ledger asset: 2 of 4 attestors say what they have signed, 3 are needed; role asset stays closed",
        "ledger asset holds all that was signed; role asset opens",
    ]


async def test_all_pages_are_read_in_the_order_of_the_journal(postgres_world: PostgresWorld, quorum: Quorum) -> None:
    """More statements than a page holds, signed in another order than they were journalled in."""
    world = postgres_world
    trades = [world.terms(delivery={"quantity": 1}) for _ in range(3)]
    positions = [receipt(await world.asset.lock(world.signed(each), ATTEMPT)).position for each in trades]
    for each in reversed(trades):
        await certify(quorum, Fact.LOCKED, each, "asset")
    async with ClientSession(quorum.urls[FIRST.address]) as session:

        async def page(**query: int | str) -> list[Kept]:
            async with session.get("/statements", params=query) as response:
                return list(Votes.model_validate_json(await response.read()).votes)

        assert [each.signed.statement.position for each in await page(ledger="asset")] == positions
        assert await page(ledger="payment") == []
        read: list[Kept] = []
        while kept := await page(
            ledger="asset",
            limit=1,
            position=read[-1].signed.statement.position if read else positions[1],
            after=read[-1].number if read else 0,
        ):
            read += kept
        assert [each.signed.statement.position for each in read] == positions[1:]
