"""Seals the journal that a role keeps, and sees that the other journals' seals stand in it too, as long as the role is
at work. Disturbs nothing else: whatever breaks here is said once, and tried again.

A journal that is shorter than its newest seal elsewhere has gone back, as after restoring a backup: it is not sealed
on, for another seal of the same number would be proof that its keeper lies. Somebody has to look (docs/decisions/0015).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from interlock.attestors.environment import PREFIX
from interlock.audit.keeping import Found, KeptJournal, Relay, Sight
from interlock.ledgers.connections import Connections
from interlock.protocol import LocalSigner
from interlock.protocol.names import Role
from interlock.protocol.seals import AUDIT_JOURNAL
from interlock.worker.pace import Pace
from interlock.worker.settings import JOURNALS, WorkerSettings

log = logging.getLogger("interlock.worker")

SEAL_EVERY_SECONDS = 5.0
"""No two blocks are made within less, unless there is more than one block holds."""

LOOK_EVERY_SECONDS, CALM_LOOK_EVERY_SECONDS = 2.0, 4.0
"""While there is news, and where there has been none for a while: what comes then is sealed within 5 s all the same."""

CALM_EXCHANGE_EVERY_SECONDS = 10.0
"""How often the relay is asked, where there has been no news for a while, whether it has any."""

_TIMEOUT_SECONDS = 20.0


@asynccontextmanager
async def sealing(role: Role, settings: WorkerSettings) -> AsyncIterator[None]:
    """Seal what this role keeps for as long as the block lasts; says so if it is not told how."""
    if role not in JOURNALS:
        yield
        return
    journal = JOURNALS[role]
    told = settings.sealing_of(role)
    if told is None:
        log.info("journal %s is not sealed here: %s%s_SEAL_KEY is not set", journal, PREFIX, journal.upper())
        yield
        return
    signer, network, keepers = told
    async with AsyncExitStack() as held:
        relay = None
        if role is Role.SETTLEMENT:
            dsn = settings.audit_keeper_dsn.get_secret_value() if settings.audit_keeper_dsn else ""
        else:
            dsn = settings.dsn_of(role)
            if settings.audit_dsn is None:
                log.warning("seals of %s stand nowhere else: %sAUDIT_DSN is not set", journal, PREFIX)
            else:
                relay = Relay(await _opened(held, settings.audit_dsn.get_secret_value()))
        keeper = Keeper(KeptJournal(journal, await _opened(held, dsn)), signer, network, keepers, relay)
        keeping = asyncio.create_task(keeper.keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _opened(held: AsyncExitStack, dsn: str) -> Connections:
    """A connection of our own, made when it is used: the role's are for its work."""
    connections = await Connections.open(dsn, size=1, timeout_s=_TIMEOUT_SECONDS)
    held.push_async_callback(connections.close)
    return connections


class Keeper:
    """Seals one journal, in rounds. Several may keep one journal: each block is sealed by whoever comes first."""

    def __init__(
        self,
        journal: KeptJournal,
        signer: LocalSigner,
        network: str,
        keepers: Mapping[str, str],
        relay: Relay | None,
    ) -> None:
        """`relay` is where the seals are brought to, and others' come from; None for the trail, which is there."""
        self.journal = journal
        self._signer = signer
        self._network = network
        self._keepers = keepers
        self._relay = relay
        self._others = sorted(set(keepers) - {journal.name, AUDIT_JOURNAL})
        self._newest: tuple[int, str] | None = None  # of our own seals, as far as we know of any
        self._brought: int | None = None  # the number of the newest that the relay has
        self._fetched: int | None = None  # the id of the last that we have looked at there
        self._told = ""

    async def keep(self) -> None:
        """Never returns."""
        loop = asyncio.get_running_loop()
        pace = Pace(LOOK_EVERY_SECONDS, CALM_LOOK_EVERY_SECONDS)
        next_seal = next_exchange = 0.0
        while True:
            try:
                if loop.time() >= next_seal and await self.seal():
                    next_seal = loop.time() + SEAL_EVERY_SECONDS
                    pace.news()
                if loop.time() >= next_exchange or not pace.is_calm:
                    if await self.exchange():
                        pace.news()
                    next_exchange = loop.time() + CALM_EXCHANGE_EVERY_SECONDS
                self._mended()
            except Exception as error:  # whatever breaks, sealing goes on later, and the role's work meanwhile
                self._tell(f"journal {self.journal.name} cannot be sealed or witnessed now ({_said(error)})")
            await pace.pause()

    async def seal(self) -> bool:
        """Seal all that is new, if anything is; whether there was."""
        sealed = False
        while True:
            sight = await self.journal.sight()
            if not sight.has_news or await self._went_back(sight):
                return sealed
            await self.journal.settled(sight)
            signed = await self.journal.seal_next(sight, self._signer, self._network)
            if signed is None:
                return sealed
            self._newest, sealed = (signed.seal.number, signed.digest(self._network)), True
            if signed.seal.through >= sight.position:
                return True

    async def exchange(self) -> bool:
        """Bring our seals to the relay, and keep here what it has of the others; whether there were any."""
        if self._relay is None:
            return False
        if self._brought is None:
            there = await self._relay.newest_of(self.journal.name)
            self._brought = there.number if there else 0
        if is_behind := self._newest is None or self._brought < self._newest[0]:
            await self._bring(self._relay)
        of_trail = await self._fetch_trail(self._relay)
        of_others = await self._fetch_others(self._relay)
        return is_behind or of_trail or of_others

    async def _bring(self, relay: Relay) -> None:
        while found := await self.journal.seals_from((self._brought or 0) + 1):
            for each in found:
                await relay.witness(each)
                self._brought = each.number
        if self._newest is None:
            sight = await self.journal.sight()
            self._newest = (sight.number, sight.digest or "")

    async def _fetch_trail(self, relay: Relay) -> bool:
        kept = await self.journal.newest_of(AUDIT_JOURNAL)
        is_news = False
        while True:
            number = kept.number if kept else 0
            seals = await relay.seals_from(number)
            if kept and not any(each.digest == kept.digest for each in seals):
                await relay.witness(kept)  # the trail has lost or changed it: its keeper and whoever verifies will see
            for each in seals:
                if each.counts(AUDIT_JOURNAL, self._network, self._keepers):
                    await self.journal.witness(each)
            if not seals or seals[-1].number == number:
                return is_news
            kept, is_news = seals[-1], True

    async def _fetch_others(self, relay: Relay) -> bool:
        if self._fetched is None:
            places = []
            for journal in self._others:
                newest = await self.journal.newest_of(journal)
                places.append(await relay.place_of(journal, newest) if newest else 0)
            self._fetched = min(places, default=0)
        is_news = False
        while found := await relay.brought_since(self._fetched, self._others):
            is_news = True
            for each in found:
                if each is None:
                    continue
                if each.counts(each.signed.seal.journal, self._network, self._keepers):
                    await self.journal.witness(each)
                self._fetched = each.id
            if len(found) < 100:
                break
        return is_news

    async def _went_back(self, sight: Sight) -> bool:
        """Whether a newer seal of this journal, or another of the same number, is known than it has itself."""
        for known in await self._known_elsewhere():
            if self._newest is None or known.number > self._newest[0]:
                self._newest = (known.number, known.digest)
        if self._newest is None or sight.number > self._newest[0] or (sight.number, sight.digest) == self._newest:
            return False
        if self._newest == (0, ""):
            return False
        self._tell(
            f"journal {self.journal.name} went back: seal {self._newest[0]} of it is known elsewhere, "
            f"its own newest is {sight.number}; it is not sealed on"
        )
        return True

    async def _known_elsewhere(self) -> list[Found]:
        try:
            found = await (self._relay or self.journal).newest_of(self.journal.name)
        except Exception:
            if self._newest is None:  # nothing is sealed before it was asked once
                raise
            return []
        return [found] if found and found.counts(self.journal.name, self._network, self._keepers) else []

    def _tell(self, text: str) -> None:
        if text != self._told:
            log.warning("%s", text)
            self._told = text

    def _mended(self) -> None:
        if "cannot be sealed or witnessed" in self._told:
            log.info("journal %s is sealed again", self.journal.name)
            self._told = ""


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
