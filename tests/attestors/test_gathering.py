"""What is asked of an attestor at the same time goes to it together, and no statement spoils or delays another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from interlock.attestors import asking
from interlock.attestors.answers import Answered, Asked, Declined, NotSigned
from interlock.attestors.attestor import Attestor
from interlock.attestors.collector import Collector
from interlock.protocol import Attested, AttestRequest, DissentKind, Fact, NotAttested, SignedStatement, SignedTerms
from tests.attestors.books import lock, signed, terms
from tests.attestors.quorum import Quorum
from tests.world import ATTESTORS, COORDINATOR, NETWORK, STRANGER

ADDRESSES = tuple(each.address for each in ATTESTORS)
Fails = Callable[[Sequence[AttestRequest]], web.Response | None]


@dataclass
class Door:
    """An attestor's place: counts how many statements each request asks for, and holds answers back while shut."""

    attestor: Attestor
    fails: Fails = lambda _: None
    sizes: list[int] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.Response:
        """The attestor's own answer, or a failure, once the door is open."""
        requests = Asked.model_validate_json(await request.read()).requests
        async with self._came:
            self.sizes.append(len(requests))
            self._came.notify_all()
        await self.opened.wait()
        return self.fails(requests) or response(await self.attestor.attest_all(requests))

    async def came(self, number: int) -> None:
        """Wait until so many requests have come."""
        async with self._came, asyncio.timeout(60):
            await self._came.wait_for(lambda: len(self.sizes) >= number)


def response(answers: Sequence[SignedStatement | Declined]) -> web.Response:
    said = tuple(NotSigned(declined=each) if isinstance(each, Declined) else each for each in answers)
    return web.Response(text=Answered(answers=said).model_dump_json(), content_type="application/json")


@pytest.fixture
async def doors(quorum: Quorum) -> AsyncIterator[list[Door]]:
    """A door before each of the four attestors, open."""
    doors = [Door(quorum.attestors[address]) for address in ADDRESSES]
    for number, door in enumerate(doors):
        await quorum.replace(number, door.answer)
        door.opened.set()
    yield doors
    for door in doors:
        door.opened.set()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under way holds back what comes after, however slow the machine is."""
    monkeypatch.setattr(asking, "STALLED_SECONDS", 3600.0)


def locked_trades(quorum: Quorum, count: int) -> list[SignedTerms]:
    trades = [signed(terms()) for _ in range(count)]
    quorum.asset.put(*(lock(trade) for trade in trades))
    return trades


async def collect(collector: Collector, trade: SignedTerms) -> Attested | NotAttested:
    return await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")


async def collect_all(collector: Collector, trades: Sequence[SignedTerms]) -> list[Attested | NotAttested]:
    return await asyncio.gather(*(collect(collector, trade) for trade in trades))


def signers(answer: Attested | NotAttested, trade: SignedTerms) -> list[str]:
    """Who signed the certificate of a trade, once it is verified."""
    assert isinstance(answer, Attested), answer
    assert answer.certificate.statement.terms_hash == trade.terms_hash
    answer.certificate.verify(NETWORK, COORDINATOR)
    return [signature.signer for signature in answer.certificate.signatures]


async def test_fifty_at_once_are_one_request_to_each_attestor(quorum: Quorum, doors: list[Door]) -> None:
    trades = locked_trades(quorum, 50)
    async with quorum.collector() as collector:
        answers = await collect_all(collector, trades)
    assert [door.sizes for door in doors] == [[50]] * 4
    for answer, trade in zip(answers, trades, strict=True):
        assert sorted(signers(answer, trade)) == sorted(ADDRESSES)


@pytest.mark.usefixtures("patient")
async def test_a_lone_request_goes_at_once_and_waits_for_no_other(quorum: Quorum, doors: list[Door]) -> None:
    """Each arrives while nothing else is asked, and while the answer to the one before it is still held back."""
    doors[0].opened.clear()
    trades = locked_trades(quorum, asking.MOST_UNDER_WAY)
    async with quorum.collector() as collector:
        collecting = []
        for number, trade in enumerate(trades, 1):
            collecting.append(asyncio.create_task(collect(collector, trade)))
            await doors[0].came(number)
        assert doors[0].sizes == [1] * asking.MOST_UNDER_WAY
        doors[0].opened.set()
        for answer, trade in zip(await asyncio.gather(*collecting), trades, strict=True):
            assert len(signers(answer, trade)) == 4


@pytest.mark.usefixtures("patient")
async def test_what_is_asked_while_an_attestor_is_busy_goes_together_when_it_is_back(
    quorum: Quorum, doors: list[Door]
) -> None:
    doors[0].opened.clear()
    trades = locked_trades(quorum, asking.MOST_UNDER_WAY + 10)
    async with quorum.collector() as collector:
        collecting = []
        for number, trade in enumerate(trades, 1):
            collecting.append(asyncio.create_task(collect(collector, trade)))
            await doors[1].came(number)  # the others are quick, and so are asked for each at once
        doors[0].opened.set()
        answers = await asyncio.gather(*collecting)
    assert doors[0].sizes == [*([1] * asking.MOST_UNDER_WAY), 10]
    assert doors[1].sizes == [1] * len(trades)
    assert [len(signers(*each)) for each in zip(answers, trades, strict=True)] == [4] * len(trades)


async def test_no_request_asks_for_more_than_an_attestor_takes(quorum: Quorum, doors: list[Door]) -> None:
    trades = locked_trades(quorum, 25)
    async with Collector(
        quorum.endpoints, COORDINATOR, NETWORK, timeout_seconds=20.0, grace_seconds=20.0, most_requests=10
    ) as collector:
        answers = await collect_all(collector, trades)
    assert [sorted(door.sizes) for door in doors] == [[5, 10, 10]] * 4
    assert [len(signers(*each)) for each in zip(answers, trades, strict=True)] == [4] * 25


async def test_signed_and_declined_ones_in_a_request_go_to_whom_they_are_for(quorum: Quorum, doors: list[Door]) -> None:
    there, missing = locked_trades(quorum, 10), [signed(terms()) for _ in range(10)]
    async with quorum.collector() as collector:
        mixed = [each for pair in zip(there, missing, strict=True) for each in pair]
        answers = await collect_all(collector, mixed)
    assert doors[0].sizes == [20]
    for answer, trade in zip(answers[::2], there, strict=True):
        assert len(signers(answer, trade)) == 4
    for answer in answers[1::2]:
        assert isinstance(answer, NotAttested)
        assert {(each.kind, each.text.partition(":")[0]) for each in answer.dissents} == {
            (DissentKind.DECLINED, "no_lock")
        }


@pytest.mark.usefixtures("patient")
async def test_cancelling_one_leaves_the_others_of_its_request_alone(quorum: Quorum, doors: list[Door]) -> None:
    trades = locked_trades(quorum, 3)
    for door in doors:
        door.opened.clear()
    async with quorum.collector() as collector:
        collecting = [asyncio.create_task(collect(collector, trade)) for trade in trades]
        for door in doors:
            await door.came(1)
        collecting[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting[1]
        for door in doors:
            door.opened.set()
        for number in (0, 2):
            assert len(signers(await collecting[number], trades[number])) == 4
    assert [door.sizes for door in doors] == [[3]] * 4


async def test_one_that_hangs_is_unreachable_to_each_in_time_and_asked_again_after(
    quorum: Quorum, doors: list[Door]
) -> None:
    """With another one down no quorum is left, until the one that hung answers again."""
    await quorum.replace(2, _broken)
    doors[3].opened.clear()
    trades = locked_trades(quorum, 6)
    async with quorum.collector(timeout_seconds=0.5) as collector, asyncio.timeout(60):
        first = asyncio.create_task(collect_all(collector, trades[:3]))
        await doors[3].came(1)
        for answer in [*await collect_all(collector, trades[3:]), *await first]:
            assert isinstance(answer, NotAttested)
            assert {each.attestor: each.text for each in answer.dissents} == {
                ADDRESSES[2]: "it answered HTTP 500",
                ADDRESSES[3]: "no answer within 0.5 s",
            }
    doors[3].opened.set()
    async with quorum.collector() as collector:
        for answer, trade in zip(await collect_all(collector, trades), trades, strict=True):
            assert set(signers(answer, trade)) == {ADDRESSES[0], ADDRESSES[1], ADDRESSES[3]}


async def test_what_hangs_holds_back_what_comes_after_for_a_moment_only(quorum: Quorum, doors: list[Door]) -> None:
    """Requests that get no answer are passed by others, long before their own time is up."""
    doors[0].opened.clear()
    trades = locked_trades(quorum, asking.MOST_UNDER_WAY + 1)
    async with quorum.collector() as collector:
        collecting = []
        for number, trade in enumerate(trades, 1):
            collecting.append(asyncio.create_task(collect(collector, trade)))
            await doors[0].came(number)
        doors[0].opened.set()
        for answer, trade in zip(await asyncio.gather(*collecting), trades, strict=True):
            assert len(signers(answer, trade)) == 4


TOO_MANY: dict[str, Fails] = {
    "too big": lambda _: web.Response(status=413),
    "bad request": lambda _: web.Response(status=400),
    "no JSON": lambda _: web.Response(text="hello"),
    "too few answers": lambda _: web.Response(text='{"answers": []}'),
    "too long": lambda _: web.Response(text="x" * (2 * asking.MAX_ANSWER_BYTES)),
}


@pytest.mark.parametrize("how", list(TOO_MANY))
async def test_one_that_cannot_take_so_many_is_asked_for_fewer(quorum: Quorum, doors: list[Door], how: str) -> None:
    doors[0].fails = lambda requests: TOO_MANY[how](requests) if len(requests) > 3 else None
    trades = locked_trades(quorum, 20)
    async with quorum.collector() as collector:
        answers = await collect_all(collector, trades)
        assert [len(signers(*each)) for each in zip(answers, trades, strict=True)] == [4] * 20
    assert doors[1].sizes == [20]


@pytest.mark.parametrize("how", list(TOO_MANY))
async def test_a_statement_that_always_fails_spoils_no_other(quorum: Quorum, doors: list[Door], how: str) -> None:
    trades = locked_trades(quorum, 20)
    poison = trades[7].terms_hash
    doors[0].fails = lambda asked: TOO_MANY[how](asked) if poison in {each.terms_hash for each in asked} else None
    async with quorum.collector() as collector:
        answers = await collect_all(collector, trades)
    for answer, trade in zip(answers, trades, strict=True):
        expected = ADDRESSES[1:] if trade.terms_hash == poison else ADDRESSES
        assert set(signers(answer, trade)) == set(expected)
        assert [each.kind for each in answer.dissents] == [DissentKind.UNREACHABLE] * (4 - len(expected))


async def test_one_that_always_answers_rubbish_is_unreachable_to_all(quorum: Quorum, doors: list[Door]) -> None:
    doors[0].fails = TOO_MANY["no JSON"]
    trades = locked_trades(quorum, 20)
    async with quorum.collector() as collector:
        answers = await collect_all(collector, trades)
    for answer, trade in zip(answers, trades, strict=True):
        assert set(signers(answer, trade)) == set(ADDRESSES[1:])
        assert [each.text for each in answer.dissents] == ["its answer cannot be understood"]


async def test_a_lie_among_many_answers_spoils_no_other(quorum: Quorum) -> None:
    trades = locked_trades(quorum, 10)
    first, second, forged = (trade.terms_hash for trade in trades[:3])
    swapped = {first: second, second: first}

    async def answer(request: web.Request) -> web.Response:
        asked = Asked.model_validate_json(await request.read()).requests
        turned = [
            each.model_copy(update={"terms_hash": swapped.get(each.terms_hash, each.terms_hash)}) for each in asked
        ]
        return response([_forged(each, forged) for each in await quorum.attestors[ADDRESSES[0]].attest_all(turned)])

    await quorum.replace(0, answer)
    async with quorum.collector() as collector:
        answers = await collect_all(collector, trades)
    lies = [DissentKind.OTHER_STATEMENT, DissentKind.OTHER_STATEMENT, DissentKind.BAD_SIGNATURE]
    for number, (said, trade) in enumerate(zip(answers, trades, strict=True)):
        assert [each.kind for each in said.dissents] == lies[number : number + 1]
        assert len(signers(said, trade)) == (4 if number >= len(lies) else 3)


def _forged(answer: SignedStatement | Declined, terms_hash: str) -> SignedStatement | Declined:
    if isinstance(answer, SignedStatement) and answer.statement.terms_hash == terms_hash:
        signature = STRANGER.sign(answer.statement, NETWORK).model_copy(update={"signer": ADDRESSES[0]})
        return SignedStatement(statement=answer.statement, signature=signature)
    return answer


async def _broken(_: web.Request) -> web.Response:
    return web.Response(status=500)
