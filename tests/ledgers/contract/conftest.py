"""Every test of this folder runs on a ledger in memory and on Postgres, and ends with the books checked."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from interlock.ledgers.memory import MemoryLedger
from tests.conftest import PostgresWorld
from tests.ledgers.contract.asking import Clock, StoppableClock, assert_books_balance
from tests.world import World, genesis


@pytest.fixture
async def memory_pair() -> tuple[World, Clock]:
    """A pair of ledgers in memory, with the parties' accounts opened and funded."""
    clock = StoppableClock()
    world = World(asset=MemoryLedger(genesis("asset"), clock), payment=MemoryLedger(genesis("payment"), clock))
    await world.fund()

    async def stop(moment: datetime) -> None:
        clock.moment = moment

    return world, Clock(stop)


@pytest.fixture
async def postgres_pair(postgres_world: PostgresWorld) -> tuple[World, Clock]:
    """The same on Postgres. A superuser stops the clock by replacing the one function that reads it."""

    async def stop(moment: datetime) -> None:
        for ledger in ("asset", "payment"):
            await postgres_world.servers.execute(
                "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
                f"$$ SELECT '{moment.isoformat()}'::timestamptz $$",
                database=postgres_world.database(ledger),
            )

    return postgres_world, Clock(stop)


@pytest.fixture(params=["memory", "postgres"])
def pair(request: pytest.FixtureRequest) -> tuple[World, Clock]:
    """A pair of ledgers of each kind in turn, and their clock."""
    made: tuple[World, Clock] = request.getfixturevalue(f"{request.param}_pair")
    return made


@pytest.fixture
def clock(pair: tuple[World, Clock]) -> Clock:
    """Both ledgers' clock."""
    return pair[1]


@pytest.fixture
async def world(pair: tuple[World, Clock]) -> AsyncIterator[World]:
    """The ledgers and the people; when the test is over the books must balance."""
    yield pair[0]
    for ledger in (pair[0].asset, pair[0].payment):
        await assert_books_balance(ledger)
