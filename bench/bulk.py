"""Fills the ledgers with settled trades as if they had been settled there: real signatures, real certificates, by COPY.

Each trade is locked, paid and released in the journals; only the operations' own checks are left out, and the triggers
that would move a balance row by row: the balances come with the rows. `ledger verify` finds all invariants to hold.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg

from bench.books import Books, enter_all
from bench.evidence import Ground, Signers, deal
from bench.place import Place
from bench.progress import say
from bench.settled import TAG, Origin, Settler
from tests.world import OUSG, USD

BATCH = 5000
"""How many trades become part of the ledgers in one transaction of each."""

_NEXT = "SELECT nextval(pg_get_serial_sequence('ledger.{table}', '{column}'))"
_SET = "SELECT setval(pg_get_serial_sequence('ledger.{table}', '{column}'), $1)"
_LOADED = "SELECT count(*) FROM ledger.{table} WHERE settlement_id LIKE 'BULK-%'"


class BulkLoad:
    """Fills the ledgers of one place; nobody else may use them meanwhile."""

    def __init__(self, place: Place, pool: Signers) -> None:
        self._place = place
        self._pool = pool

    async def loaded(self) -> int:
        """How many trades are there. Raises RuntimeError if a load was cut off between the two ledgers' commits."""
        async with AsyncExitStack() as held:
            asset, payment = await self._owners(held)
            locked = await asset.fetchval(_LOADED.format(table="locks"))
            if locked != await payment.fetchval(_LOADED.format(table="verdicts")):
                raise RuntimeError("the two ledgers were not filled alike: begin anew in an empty folder")
        return int(locked)

    async def up_to(self, count: int) -> None:
        """See that there are so many settled trades."""
        first = await self.loaded()
        if first >= count:
            return
        async with AsyncExitStack() as held:
            asset, payment = await self._owners(held)
            origin = Origin(
                first,
                asset_entry=await asset.fetchval(_NEXT.format(table="entries", column="position")),
                payment_entry=await payment.fetchval(_NEXT.format(table="entries", column="position")),
                escrow=await asset.fetchval(_NEXT.format(table="accounts", column="id")),
                at=datetime.now(UTC),
            )
            units, cash = await Books.of(asset, OUSG.code), await Books.of(payment, USD.code)
            names = [party.account for party in self._place.market.parties]
            ground = Ground.of(self._place.stack.identity, TAG, origin.at + timedelta(days=1))
            deals = (deal(number, names) for number in range(first, count))
            committed = number = first
            async for trades in self._pool.map(Settler(ground, origin), deals):
                enter_all(trades, origin, units, cash)
                number += len(trades)
                if number - committed >= BATCH or number == count:
                    await _commit((asset, payment), (units, cash), origin, number)
                    committed = number
                    say(f"{number:,} of {count:,} settled trades are in the ledgers")
            for owner in (asset, payment):
                await owner.execute("ANALYZE")

    async def _owners(self, held: AsyncExitStack) -> "list[asyncpg.Connection[asyncpg.Record]]":
        owners = []
        for ledger in ("asset", "payment"):
            owner: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                self._place.stack.dsn(ledger, f"{ledger}_owner")
            )
            held.push_async_callback(owner.close)
            owners.append(owner)
        return owners


async def _commit(
    owners: "Sequence[asyncpg.Connection[asyncpg.Record]]", books: Sequence[Books], origin: Origin, number: int
) -> None:
    """Both ledgers' rows up to this trade; the commits follow each other at once."""
    async with AsyncExitStack() as both:
        for owner in owners:
            await both.enter_async_context(owner.transaction())
        for owner, rows in zip(owners, books, strict=True):
            await rows.write(owner)
        asset, payment = owners
        await asset.execute(_SET.format(table="entries", column="position"), origin.lock(number))
        await asset.execute(_SET.format(table="accounts", column="id"), origin.escrow + number - origin.first)
        await payment.execute(_SET.format(table="entries", column="position"), origin.pay(number))
