"""An attestor that contradicts itself is found out during a settlement, left out, and the others go on without it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web
from temporalio.client import Client

from interlock.attestors.answers import Answered, Asked, Declined, NotSigned
from interlock.protocol import AttestRequest, Readmit, SignedStatement, Statement
from interlock.protocol.names import Role
from tests.attestors.quorum import Quorum
from tests.workflows.service import Service, Window, running_service, until
from tests.world import ATTESTORS, COORDINATOR, NETWORK, receipt

LIAR = ATTESTORS[3]


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


@pytest.fixture
async def quorum(tmp_path: Path) -> AsyncIterator[Troubled]:
    """Three honest attestors and a liar."""
    quorum = Troubled(tmp_path, asset=Window(), payment=Window())
    for number in range(4):
        await quorum.start(number)
    await quorum.trouble()
    yield quorum
    await quorum.close()


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
