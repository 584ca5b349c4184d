"""Sees that every effect on a role's ledger, and what it relied on, stands in the audit trail: spans that died with
their process are made again from the entries (docs/decisions/0016). Disturbs nothing else: whatever breaks here is said
once, if it stays so, and tried again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import takewhile
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan

from interlock.activities.reconstructing import Reconstructing
from interlock.audit.completing import Missing, Trail
from interlock.audit.due import Due, Entry, all_due
from interlock.audit.keeping import KeptJournal, Sight
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.ledgers.reader import PostgresReader
from interlock.protocol.names import Role
from interlock.worker.lost import Maker
from interlock.worker.pace import Pace
from interlock.worker.settings import WorkerSettings
from interlock.worker.telemetry import Telemetry

log = logging.getLogger("interlock.worker")

LOOK_EVERY_SECONDS = 5.0
"""While there is news; else every `reconstruct_after_seconds`, which is soon enough: nothing is looked at sooner."""

AT_ONCE = 500
"""Entries asked for in one go: some milliseconds."""

STORED_WITHIN_SECONDS = 10.0
_TIMEOUT_SECONDS = 20.0
_PAUSE_SECONDS = 0.1
_FAILURES_UNTIL_TOLD = 3  # a database that comes back at once is no news

Emit = Callable[[ReadableSpan], None]


class Looker(Protocol):
    """Looks through something for spans that are missing."""

    has_news: bool
    """Whether there was anything to look at the last time."""

    async def complete(self) -> int:
        """Look at all that is new and old enough; how many spans were made again."""


class NotStored(Exception):  # noqa: N818 - says what is the case
    """What was made again has not reached the audit database in time: the next round looks again."""


@asynccontextmanager
async def completing(
    role: Role, settings: WorkerSettings, ledger: PostgresReader, telemetry: Telemetry
) -> AsyncIterator[None]:
    """Complete what this role's ledger can prove for as long as the block lasts, if there is an audit trail."""
    if settings.audit_dsn is None:
        yield
        return
    async with AsyncExitStack() as held:
        trail = Trail(await opened(held, settings.audit_dsn.get_secret_value()))
        journal = KeptJournal(role.value, await opened(held, settings.dsn_of(role)))
        maker = Maker(journal, ledger, Reconstructing(telemetry.resource))
        after_seconds = settings.reconstruct_after_seconds
        completer = Completer(journal, trail, maker, telemetry.emit, after_seconds=after_seconds)
        async with rounds(completer, trail, role.value, after_seconds):
            yield


async def opened(held: AsyncExitStack, dsn: str) -> Connections:
    """A connection of our own, made when it is used."""
    connections = await Connections.open(dsn, size=1, timeout_s=_TIMEOUT_SECONDS)
    held.push_async_callback(connections.close)
    return connections


@asynccontextmanager
async def rounds(looker: Looker, trail: Trail, journal: str, steady_seconds: float) -> AsyncIterator[None]:
    """Look again and again while the block lasts.

    Where the trail was away, living processes still hold spans for it: until it has been reached for so long without a
    break nothing is held to be lost.
    """

    async def look_on() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(LOOK_EVERY_SECONDS, max(LOOK_EVERY_SECONDS, steady_seconds))
        steady_since, failures = float("-inf"), 0
        while True:
            try:
                await trail.place(journal)
                steady_since = min(steady_since, loop.time())
                is_steady = loop.time() - steady_since >= steady_seconds
                if is_steady and (made := await looker.complete()):
                    log.info("%d spans that journal %s proves were missing, and made again", made, journal)
                if looker.has_news or not is_steady:
                    pace.news()
                failures = 0
            except Exception as error:  # whatever breaks, the role's work goes on, and this later
                pace.news()
                steady_since = float("inf")
                failures += 1
                if failures == _FAILURES_UNTIL_TOLD:
                    said = f"{type(error).__name__}: {error}".splitlines()[0]
                    log.warning("traces cannot be completed from journal %s now (%s)", journal, said)
            await pace.pause()

    looking = asyncio.create_task(look_on())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


class Completer:
    """Goes through one ledger's journal, entry by entry, once; goes on where any process has left off."""

    def __init__(self, journal: KeptJournal, trail: Trail, maker: Maker, emit: Emit, *, after_seconds: float) -> None:
        """`emit` sends a span the way of all spans; entries are looked at once they are so old."""
        self._role = Role(journal.name)
        self._journal = journal
        self._trail = trail
        self._maker = maker
        self._emit = emit
        self._after_seconds = after_seconds
        self._done = -1  # as far as this process knows; an idle ledger costs one look at its end
        self.has_news = True

    async def complete(self) -> int:
        """Look at all that is new and old enough; how many spans were made again."""
        sight = await self._journal.sight()
        self.has_news = sight.position != self._done
        if not self.has_news:
            return 0
        async with self._trail.turn(self._journal.name) as is_ours:
            return await self._look_through(sight) if is_ours else 0

    async def _look_through(self, sight: Sight) -> int:
        await self._journal.settled(sight)
        after, made = await self._begin(sight), 0
        while after < sight.position:
            rows = await self._journal.connections.rows(
                query("entries_in_short"), after, sight.position, AT_ONCE, self._after_seconds
            )
            old = list(takewhile(lambda row: row["is_old"], rows))
            if not old:
                break
            entries = [Entry.from_row(self._role, dict(row)) for row in old if row["terms_hash"] is not None]
            made += await self._see_to(list(all_due(entries)))
            after = old[-1]["position"]
            await self._trail.note(self._journal.name, {"through": after, "reference": old[-1]["reference"]})
            await asyncio.sleep(0)
        self._done = after
        return made

    async def _begin(self, sight: Sight) -> int:
        """Where to go on: from the beginning if the journal is another than the one that was looked through."""
        place = await self._trail.place(self._journal.name)
        through = int(place.get("through", 0))
        if not 0 < through <= sight.position:
            return 0
        here = await self._journal.connections.value(query("reference_at"), through)
        return through if here == place.get("reference") else 0

    async def _see_to(self, due: Sequence[Due]) -> int:
        missing = await self._trail.missing(due)
        sent: list[Missing] = []
        async for each, span in self._maker.spans_of(missing):
            self._emit(span)
            sent.append(each)
        await stored(lambda: self._still_missing(sent))
        return len(sent)

    async def _still_missing(self, sent: Sequence[Missing]) -> bool:
        return bool(await self._trail.missing([each.due for each in sent]))


async def stored(still_missing: Callable[[], Awaitable[bool]]) -> None:
    """Return once what was sent is in the audit database: only then it is done with. Raises NotStored."""
    try:
        async with asyncio.timeout(STORED_WITHIN_SECONDS):
            while await still_missing():  # noqa: ASYNC110 - the exporter's thread sets no event here
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise NotStored("what was made again is not stored yet") from None
