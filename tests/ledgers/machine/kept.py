"""The pairs of real ledgers that the machine drives: in memory, and on Postgres. Each is emptied between two programs.

Both ledgers' clocks stand still until they are set; on Postgres the one function that reads time is replaced.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

import asyncpg

from interlock.ledgers.install import write_genesis
from interlock.ledgers.ledger import Ledger
from interlock.ledgers.memory import MemoryLedger
from interlock.ledgers.postgres import PostgresLedger
from interlock.ledgers.verify import verify
from tests.conftest import _KEPT, LedgerServer
from tests.ledgers.contract.asking import assert_books_balance
from tests.ledgers.machine.trades import LEDGERS, NOON
from tests.world import genesis


class Pair(Protocol):
    """Two ledgers that two callers reach independently."""

    async def begin(self) -> None:
        """Empty both ledgers; it is noon."""
        ...

    def ledger(self, name: str, caller: int) -> Ledger:
        """A ledger as one of the callers reaches it."""
        ...

    async def set_clock(self, name: str, moment: datetime) -> None:
        """Let a ledger's clock show this moment until it is set again."""
        ...

    async def violations(self, *, turned_round: bool = False) -> Sequence[str]:
        """What `ledger verify` objects to; with the payment ledger in the asset ledger's role if `turned_round`."""
        ...


class MemoryPair:
    """Both ledgers in this process's memory. Nobody can verify them from outside, but their books must balance."""

    def __init__(self) -> None:
        self._clocks = dict.fromkeys(LEDGERS, NOON)
        self._ledgers: dict[str, MemoryLedger] = {}

    async def begin(self) -> None:
        """Two new ledgers."""
        self._clocks = dict.fromkeys(LEDGERS, NOON)
        self._ledgers = {name: MemoryLedger(genesis(name), self._clock(name)) for name in LEDGERS}

    def _clock(self, name: str) -> Callable[[], datetime]:
        return lambda: self._clocks[name]

    def ledger(self, name: str, caller: int) -> Ledger:  # noqa: ARG002 - there is one way to reach it
        """The same for every caller."""
        return self._ledgers[name]

    async def set_clock(self, name: str, moment: datetime) -> None:
        """Let a ledger's clock show this moment until it is set again."""
        self._clocks[name] = moment

    async def violations(self, *, turned_round: bool = False) -> Sequence[str]:  # noqa: ARG002 - books have no role
        """None, or AssertionError: conservation is all that can be seen through a reader's eyes."""
        for ledger in self._ledgers.values():
            await assert_books_balance(ledger)
        return ()


@dataclass
class PostgresPair:
    """Both ledgers on the tests' Postgres, in databases of their own, that are dropped at the end."""

    servers: LedgerServer
    databases: dict[str, str] = field(default_factory=dict)
    superusers: "dict[str, asyncpg.Connection[asyncpg.Record]]" = field(default_factory=dict)
    connected: dict[str, tuple[PostgresLedger, PostgresLedger]] = field(default_factory=dict)
    callers: dict[str, tuple[PostgresLedger, PostgresLedger]] = field(default_factory=dict)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def opened(cls, servers: LedgerServer) -> Self:
        """Two databases, whose clocks are replaced."""
        pair = cls(servers)
        for name in LEDGERS:
            database = pair.databases[name] = await servers.fresh(name)
            await servers.execute(
                "CREATE TABLE public.shown_by_the_clock (moment timestamptz NOT NULL)",
                f"INSERT INTO public.shown_by_the_clock VALUES ('{NOON.isoformat()}')",
                "GRANT SELECT ON public.shown_by_the_clock TO PUBLIC",
                "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
                "$$ SELECT moment FROM public.shown_by_the_clock $$",
                database=database,
            )
            pair.superusers[name] = await asyncpg.connect(servers.superuser_dsn(database))
            one, two = [await PostgresLedger.connect(servers.dsn(database)) for _ in range(2)]
            pair.connected[name] = one, two
        return pair

    async def close(self) -> None:
        """Give the databases back."""
        for name in LEDGERS:
            await self.superusers[name].close()
            for ledger in self.connected[name]:
                await ledger.close()
            await self.servers.give_back(name, self.databases[name])

    async def begin(self) -> None:
        """Empty both ledgers, and forget what their callers remembered; it is noon."""
        for name in LEDGERS:
            superuser = self.superusers[name]
            async with superuser.transaction():
                await superuser.execute(
                    "SET LOCAL session_replication_role = replica;"
                    + "".join(f"DELETE FROM ledger.{table};" for table in _KEPT)
                    + "SET LOCAL session_replication_role = origin;"
                )
                await write_genesis(superuser, genesis(name))
            await self.set_clock(name, NOON)
            one, two = (PostgresLedger(each.connections, each.identity) for each in self.connected[name])
            self.callers[name] = one, two

    def ledger(self, name: str, caller: int) -> Ledger:
        """A ledger as one of the callers reaches it: with connections and a memory of its own."""
        return self.callers[name][caller % 2]

    async def set_clock(self, name: str, moment: datetime) -> None:
        """Let a ledger's clock show this moment until it is set again."""
        async with self.one_at_a_time:  # a connection says one thing at a time
            await self.superusers[name].execute("UPDATE public.shown_by_the_clock SET moment = $1", moment)

    async def violations(self, *, turned_round: bool = False) -> Sequence[str]:
        """What `ledger verify` objects to."""
        one, other = (self.callers[name][0] for name in (reversed(LEDGERS) if turned_round else LEDGERS))
        results = await verify(one, other)
        return [f"{name}: {text}" for name, result in results.items() for text in result.violations]
