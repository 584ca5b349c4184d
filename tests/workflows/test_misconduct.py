"""An attestor that contradicts itself is found out during a settlement, left out, and the others go on without it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web
from temporalio.client import Client

from interlock.attestors.answers import Answered, Asked, Declined, NotSigned
from interlock.protocol import AttestRequest, Readmit, Refusal, RefusalCode, SignedStatement, Statement
from interlock.protocol.names import Role
from tests.attestors.quorum import Quorum
from tests.workflows.service import Service, Settlement, Window, running_service, until
from tests.world import ATTESTORS, COORDINATOR, NETWORK, receipt

LIAR = ATTESTORS[3]
UNPROVEN = Refusal(code=RefusalCode.MISCONDUCT_UNPROVEN, text="the statements do not contradict each other")


class Troubled(Quorum):
    """Four attestors, of whom the fourth lies while `lies`, and the numbers in `down` give no answer."""

    lies = True
    down: frozenset[int] = frozenset()

    async def trouble(self) -> None:
        """Put somebody in front of each that decides whether it answers, and what."""
        self.positions = count(1000)
        for number in range(4):
            await self.replace(number, self._handler(number))

    def _handler(self, number: int) -> Callable[[web.Request], Awaitable[web.Response]]:
        attestor = self.attestors[ATTESTORS[number].address]

        async def answer(request: web.Request) -> web.Response:
            if number in self.down:
                return web.Response(status=503)
            requests = Asked.model_validate_json(await request.read()).requests
            if number == 3 and self.lies:
                answered = Answered(answers=tuple(self._lie(each) for each in requests))
            else:
                said = await attestor.attest_all(requests)
                answers = tuple(NotSigned(declined=each) if isinstance(each, Declined) else each for each in said)
                answered = Answered(answers=answers, left_out=await attestor.left_out())
            return web.Response(text=answered.model_dump_json(), content_type="application/json")

        return answer

    def _lie(self, request: AttestRequest) -> SignedStatement:
        position = next(self.positions)
        statement = Statement(
            fact=request.fact,
            coordinator=COORDINATOR.identity,
            terms_hash=request.terms_hash,
            ledger=request.ledger,
            reference=f"made up {position}",
            position=position,
        )
        return SignedStatement(statement=statement, signature=LIAR.sign(statement, NETWORK))


@asynccontextmanager
async def troubled(folder: Path) -> AsyncIterator[Troubled]:
    """Three honest attestors and a liar."""
    quorum = Troubled(folder, asset=Window(), payment=Window())
    for number in range(4):
        await quorum.start(number)
    await quorum.trouble()
    try:
        yield quorum
    finally:
        await quorum.close()


@pytest.fixture
async def quorum(tmp_path: Path) -> AsyncIterator[Troubled]:
    """Those."""
    async with troubled(tmp_path) as quorum:
        yield quorum


@pytest.fixture
async def service(temporal: Client, quorum: Troubled, local_roles: tuple[Role, ...]) -> AsyncIterator[Service]:
    """A service with these attestors."""
    async with running_service(temporal, quorum, local_roles=local_roles) as running:
        yield running


@pytest.mark.anywhere
async def test_an_attestor_that_contradicts_itself_is_left_out_until_operators_readmit_it(
    service: Service, quorum: Troubled
) -> None:
    world, ledgers = service.world, (service.world.asset, service.world.payment)

    quorum.down = frozenset({2})
    first = service.settlement()
    await first.instruct()

    async def accused() -> bool:
        return all([LIAR.address in await ledger.left_out() for ledger in ledgers])

    await first.until_blocked("no_quorum")
    await until(accused)
    quorum.down = frozenset()
    assert (await first.end()).outcome == "SETTLED"
    told = [event.text for event in await first.events() if event.kind == "dissent"]
    assert any(text.startswith(f"attestor {LIAR.address} contradicted itself: it signed LOCKED at") for text in told)
    for ledger in ledgers:
        assert any(text.startswith(f"attestor {LIAR.address} is left out on ledger {ledger.name}") for text in told)

    second = service.settlement()
    await second.instruct()
    assert (await second.end()).outcome == "SETTLED", "three others are a quorum"

    quorum.lies, quorum.down = False, frozenset({1})
    third = service.settlement()
    await third.instruct()
    report = await third.until(
        lambda found: found.blocker is not None and "is left out for misconduct" in found.blocker.text
    )
    assert report.blocker is not None
    assert report.blocker.code == "no_quorum"
    assert f"{LIAR.address} is left out for misconduct" in report.blocker.text
    for ledger in ledgers:
        receipt(await world.order(ledger, Readmit, attestor=LIAR.address))
    assert (await third.end()).outcome == "SETTLED", "it counts again"


@pytest.mark.usefixtures("short_steps")
async def test_a_ledger_that_is_away_does_not_keep_a_settlement_from_going_on(
    service: Service, quorum: Troubled
) -> None:
    quorum.down = frozenset({2})
    trade = service.settlement()
    service.payment.hold("accuse")
    await trade.instruct()
    await service.payment.until_holding("accuse")
    quorum.down = frozenset()
    assert (await trade.end()).outcome == "SETTLED"
    assert await service.world.asset.left_out() == {LIAR.address}
    texts = [event.text for event in await trade.events()]
    assert any(text.startswith(f"attestor {LIAR.address} could not be accused: ") for text in texts)


@pytest.mark.anywhere
async def test_what_a_ledger_refuses_to_judge_is_told_once_and_a_later_settlement_brings_it_again(
    service: Service, quorum: Troubled
) -> None:
    """The later one has its quorum at once: it is told of the misconduct along with its certificate."""
    ledgers = (service.asset, service.payment)
    for ledger in ledgers:
        ledger.instead["accuse"] = [UNPROVEN]
    quorum.down = frozenset({2})
    first = service.settlement()
    await first.instruct()
    await until(lambda: refused(first, on=2))
    quorum.down = frozenset()
    assert (await first.end()).outcome == "SETTLED"
    assert await refused(first, on=2), "it is told once, however often the coordinator says so"
    assert [ledger.asked["accuse"] for ledger in ledgers] == [1, 1]

    second = service.settlement()
    await second.instruct()
    assert (await second.end()).outcome == "SETTLED"
    assert [await ledger.left_out() for ledger in (service.world.asset, service.world.payment)] == [{LIAR.address}] * 2


async def test_a_run_that_follows_one_that_was_terminated_accuses_again(service: Service, quorum: Troubled) -> None:
    """Nothing of what the first run did is known to it; a ledger whose answer was lost gives its first receipt."""
    for line in (service.asset, service.payment):
        line.instead["accuse"] = [UNPROVEN]
    quorum.down = frozenset({2})
    trade = service.settlement()
    await trade.instruct()
    await until(lambda: refused(trade, on=2))
    await trade.terminate()
    service.asset.loses["accuse"] = 1
    await trade.instruct()

    async def accused() -> bool:
        return service.asset.asked["accuse"] == 3 and service.payment.asked["accuse"] == 2

    await until(accused)
    quorum.down = frozenset()
    assert (await trade.end()).outcome == "SETTLED"
    for judge in (service.world.asset, service.world.payment):
        assert await judge.left_out() == {LIAR.address}
        told = f"attestor {LIAR.address} is left out on ledger {judge.name}: "
        assert any(event.text.startswith(told) for event in await trade.events())


async def refused(trade: Settlement, *, on: int) -> bool:
    """Whether the settlement has told that so many ledgers refused the proof."""
    texts = [event.text for event in await trade.events()]
    return texts.count(f"attestor {LIAR.address} could not be accused: {UNPROVEN.text}") == on
