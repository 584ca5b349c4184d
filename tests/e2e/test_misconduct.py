"""An attestor that signs both verdicts, in a whole running stack: caught, proven, left out, and re-admitted by two."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from interlock.attestors.answers import Answered, Asked, Kept, Votes
from interlock.ledgers.overview import certificates
from interlock.ledgers.verify import verify
from interlock.protocol import AttestRequest, Fact, LedgerOrder, Readmit, SettlementReport, SignedStatement, Stage
from tests.cli.conftest import Ran, command
from tests.e2e.conftest import Parties, Service
from tests.matrix.equivocator import Equivocator

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


class Equivocating(Equivocator):
    """In an attestor's place: says yes to everything, and lists what it has said to whoever asks."""

    def __init__(self, *said: Any) -> None:
        super().__init__(*said)
        self.votes: list[SignedStatement] = []

    async def says(self, request: AttestRequest) -> SignedStatement:
        """Yes, and it is kept."""
        signed = await super().says(request)
        if signed not in self.votes:
            self.votes.append(signed)
        return signed

    def routes(self) -> list[web.RouteDef]:
        """Its votes too."""
        return [*super().routes(), web.get("/statements", self._voted)]

    async def _voted(self, _: web.Request) -> web.Response:
        kept = tuple(Kept(number=number, signed=each) for number, each in enumerate(self.votes, 1))
        return web.Response(text=Votes(votes=kept).model_dump_json(), content_type="application/json")


async def until(condition: Callable[[], Awaitable[T | None]]) -> T:
    """Look until the condition gives something true, and return that."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await condition()):  # noqa: ASYNC110 - other processes set no event here
            await asyncio.sleep(0.1)
    return found


class Desk:
    """An operator's, on the running service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.folder = service.stack.data_dir

    async def run(self, *words: str) -> Ran:
        """The command, with --json."""
        return await asyncio.to_thread(command, self.folder, "--data-dir", str(self.folder), *words, "--json")

    async def left_out(self) -> list[set[str]]:
        """Who is left out, on each ledger."""
        sets = (await self.run("ledger", "attestors", "list")).json["attestor_sets"]
        return [set(each["left_out"]) for each in sets]

    async def settles(self, parties: Parties) -> str:
        """Settle a trade; its terms hash."""
        handle = await parties.instruct()
        report = await handle.outcome()
        assert report.stage is Stage.SETTLED, report
        return report.terms_hash

    async def signers(self, terms_hash: str) -> set[str]:
        """Who is in the certificates that both ledgers relied on."""
        market, found = self.service.market, set[str]()
        for ledger in (market.asset, market.payment):
            async for chunk in certificates(ledger):
                found |= {who for each in chunk if each.statement.terms_hash == terms_hash for who in each.signers}
        return found

    async def order(self, kind: type[LedgerOrder], **fields: Any) -> None:
        """Two operators order it of both ledgers."""
        market = self.service.market
        for ledger in (market.asset, market.payment):
            await market.order(ledger, kind, **fields)


async def asked(url: str, fact: Fact, terms_hash: str, ledger: str) -> SignedStatement:
    """What anybody hears who asks that attestor."""
    body = Asked(requests=(AttestRequest(fact=fact, terms_hash=terms_hash, ledger=ledger),))
    async with aiohttp.ClientSession(url) as session, session.post("/statements", data=body.model_dump_json()) as raw:
        (answer,) = Answered.model_validate_json(await raw.read()).answers
    assert isinstance(answer, SignedStatement)
    return answer


async def test_hazard_06_an_attestor_that_signs_both_verdicts_is_caught_left_out_and_readmitted(
    service: Service, tmp_path: Path
) -> None:
    desk, stack, market = Desk(service), service.stack, service.market
    who, url = stack.identity.signers[3], stack.attestor_urls[stack.identity.signers[3].address]
    parties = await market.parties()
    ledgers = {"asset": market.asset, "payment": market.payment}
    await stack.processes["attestor-4"].stop()
    try:
        async with Equivocating(who, stack.identity.network, stack.coordinator, url, ledgers):
            paid = await desk.settles(parties)
            assert (await desk.run("audit", "attestors", "--folder", str(tmp_path))).code == 0, "nothing false yet"
            await asked(url, Fact.PAID, paid, "payment")
            await asked(url, Fact.VOIDED, paid, "payment")

            found = await desk.run("audit", "attestors", "--folder", str(tmp_path))
            (misconduct,) = found.json["misconduct"]
            assert (found.code, misconduct["attestor"], misconduct["terms_hash"]) == (1, who.address, paid)
            assert misconduct["entries"] == {}
            checked = await asyncio.to_thread(command, tmp_path, "audit", "misconduct", misconduct["file"], "--json")
            assert (checked.code, checked.json["digest"]) == (0, misconduct["digest"])
            assert await desk.left_out() == [set(), set()]

            accused = await desk.run("audit", "attestors", "--folder", str(tmp_path), "--accuse")
            assert (accused.code, set(accused.json["misconduct"][0]["entries"])) == (0, {"asset", "payment"})
            assert await desk.left_out() == [{who.address}, {who.address}]

            async def goes_on_without_it() -> bool:
                return who.address not in await desk.signers(await desk.settles(parties))

            await until(goes_on_without_it)
        await stack.start_attestor(4)

        await stack.processes["attestor-3"].stop()
        waiting = await parties.instruct()

        async def waits() -> SettlementReport | None:
            report = await waiting.status()
            says_so = report.blocker is not None and f"{who.address} is left out" in report.blocker.text
            return report if says_so else None

        report = await until(waits)
        assert report.blocker is not None
        assert (report.blocker.code, report.blocker.who.split(":")[0]) == ("no_quorum", "coordinator's attestors")

        await desk.order(Readmit, attestor=who.address)
        assert await desk.left_out() == [set(), set()]
        ended = await waiting.outcome()
        assert ended.stage is Stage.SETTLED
        assert who.address in await desk.signers(ended.terms_hash), "it counts again"
        assert (await desk.run("ledger", "accuse", misconduct["file"])).code == 0
        assert await desk.left_out() == [set(), set()], "what was judged before leaves nobody out again"
        assert all(result.ok for result in (await verify(market.asset, market.payment)).values())
    finally:
        for number in (3, 4):
            if not stack.processes[f"attestor-{number}"].alive:
                await stack.start_attestor(number)
