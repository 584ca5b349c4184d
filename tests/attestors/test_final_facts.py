"""Hazard 8: an attestor signs final facts only. On Postgres that is: committed, and flushed before it can be seen."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from interlock.attestors.answers import Declined
from interlock.attestors.attestor import Attestor
from interlock.attestors.votes import VoteStore
from interlock.ledgers.queries import query
from interlock.ledgers.reader import PostgresReader
from interlock.protocol import AttestRequest, Fact, SignedStatement, Terms
from tests.conftest import PostgresWorld
from tests.world import ATTEMPT, ATTESTORS, COORDINATOR, NETWORK

ME = ATTESTORS[0]


@pytest.fixture
async def attestor(postgres_world: PostgresWorld, tmp_path: Path) -> AsyncIterator[Attestor]:
    """One that reads both ledgers through the role that attestors have."""
    world = postgres_world
    votes = VoteStore.create(tmp_path / "votes", ME.address)
    async with (
        await PostgresReader.connect(world.servers.dsn(world.asset_database, "attestor")) as asset,
        await PostgresReader.connect(world.servers.dsn(world.payment_database, "attestor")) as payment,
    ):
        yield Attestor(ME, NETWORK, COORDINATOR, {"asset": asset, "payment": payment}, votes)
    await votes.close()


def effect_of(world: PostgresWorld, fact: Fact, terms: Terms) -> tuple[str, list[object]]:
    """The statement that brings a fact about, and what it is said with."""
    signed, attempt = world.signed(terms).model_dump_json(), ATTEMPT.model_dump_json()
    match fact:
        case Fact.LOCKED:
            return query("lock"), [terms.hash(NETWORK), signed, attempt]
        case Fact.PAID:
            certificate = world.certificate(Fact.LOCKED, terms).model_dump_json()
            return query("pay"), [terms.hash(NETWORK), signed, certificate, attempt]
        case _:
            return query("void"), [terms.hash(NETWORK), signed, world.consent(terms).model_dump_json(), None, attempt]


@pytest.mark.parametrize("fact", [Fact.LOCKED, Fact.PAID, Fact.VOIDED])
async def test_hazard_08_what_is_not_committed_or_was_rolled_back_is_not_signed(
    postgres_world: PostgresWorld, attestor: Attestor, fact: Fact
) -> None:
    world, terms = postgres_world, postgres_world.terms()
    ledger = "asset" if fact is Fact.LOCKED else "payment"
    request = AttestRequest(fact=fact, terms_hash=terms.hash(NETWORK), ledger=ledger)
    statement, values = effect_of(world, fact, terms)
    writer: asyncpg.Connection = await asyncpg.connect(world.servers.dsn(world.database(ledger)))
    try:
        undone = writer.transaction()
        await undone.start()
        answer = await writer.fetchval(statement, *values)
        assert '"kind": "receipt"' in answer
        assert isinstance(await attestor.attest(request), Declined)
        await undone.rollback()
        assert isinstance(await attestor.attest(request), Declined)
        assert attestor.signed == 0
        await writer.fetchval(statement, *values)
        assert isinstance(await attestor.attest(request), SignedStatement)
    finally:
        await writer.close()


async def test_hazard_08_a_commit_is_flushed_before_anybody_sees_it(postgres_world: PostgresWorld) -> None:
    """With these, Postgres shows a row to others only once its commit is on the disk."""
    connection = postgres_world.payment.connections
    settings = [await connection.value(f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
    assert settings == ["on", "on", "on"]
