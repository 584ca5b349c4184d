"""What an attestor's HTTP server takes and answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from interlock.attestors.answers import MAX_BODY_BYTES, MAX_REQUESTS, Answered, Votes
from interlock.attestors.left_out import LeftOut
from interlock.protocol import SignedStatement, VerdictKind, verify
from tests.attestors.books import lock, signed, terms, verdict
from tests.attestors.quorum import Quorum
from tests.world import ATTESTORS, COORDINATOR, NETWORK

HASH = "0x" + "ab" * 32
GOOD = {"fact": "LOCKED", "terms_hash": HASH, "ledger": "asset"}


@pytest.fixture
async def session(quorum: Quorum) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the first attestor."""
    async with aiohttp.ClientSession(quorum.endpoints[ATTESTORS[0].address]) as opened:
        yield opened


async def test_many_requests_are_answered_in_their_order(quorum: Quorum, session: aiohttp.ClientSession) -> None:
    trades = [signed(terms()) for _ in range(MAX_REQUESTS)]
    for trade in trades[::2]:
        quorum.asset.put(lock(trade))
    requests = [{"fact": "LOCKED", "terms_hash": trade.terms_hash, "ledger": "asset"} for trade in trades]
    async with session.post("/statements", json={"requests": requests}) as response:
        answers = Answered.model_validate_json(await response.read()).answers
    for number, (trade, answer) in enumerate(zip(trades, answers, strict=True)):
        if number % 2:
            assert not isinstance(answer, SignedStatement)
            assert answer.declined.code == "no_lock"
        else:
            assert isinstance(answer, SignedStatement)
            assert answer.statement.terms_hash == trade.terms_hash
            verify(answer.statement, NETWORK, answer.signature)


async def test_who_is_left_out_on_a_ledger_is_said_with_the_answers_and_in_health(
    quorum: Quorum, session: aiohttp.ClientSession
) -> None:
    who = ATTESTORS[2].address
    quorum.payment.misbehaved.add(who)
    async with session.post("/statements", json={"requests": [GOOD]}) as response:
        assert Answered.model_validate_json(await response.read()).left_out == (who,)
    async with session.get("/health") as response:
        assert (await response.json())["left_out"] == [who]


async def test_where_nobody_is_left_out_the_answer_is_what_it_always_was(session: aiohttp.ClientSession) -> None:
    async with session.post("/statements", json={"requests": [GOOD]}) as response:
        assert list(await response.json()) == ["answers"]


async def test_who_was_left_out_is_still_said_when_the_ledger_is_away(quorum: Quorum) -> None:
    reader = LeftOut({"asset": quorum.asset, "payment": quorum.payment}, look_every_seconds=0.0)
    quorum.payment.misbehaved.add(ATTESTORS[2].address)
    assert await reader.known() == (ATTESTORS[2].address,)
    quorum.asset.broken = quorum.payment.broken = True
    for _ in range(3):
        assert await reader.known() == (ATTESTORS[2].address,)
        await asyncio.sleep(0)
    await reader.close()


async def test_the_answers_have_the_documented_shape(quorum: Quorum, session: aiohttp.ClientSession) -> None:
    trade = signed(terms())
    quorum.asset.put(lock(trade))
    requests = [{**GOOD, "terms_hash": trade.terms_hash}, GOOD, {**GOOD, "ledger": "payment"}]
    quorum.payment.broken = True
    async with session.post("/statements", json={"requests": requests}) as response:
        assert response.status == 200
        signed_one, declined, unreachable = (await response.json())["answers"]
    assert sorted(signed_one) == ["signature", "statement"]
    assert sorted(declined["declined"]) == ["code", "text"]
    assert unreachable["declined"]["code"] == "ledger_unreachable"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("not json", ""),
        ("[]", ""),
        ({}, "requests"),
        ({"requests": []}, "requests"),
        ({"requests": [GOOD] * (MAX_REQUESTS + 1)}, "requests"),
        ({"requests": [GOOD], "more": 1}, "more"),
        ({"requests": [GOOD, {**GOOD, "fact": "SETTLED"}]}, "requests.1.fact"),
        ({"requests": [{**GOOD, "terms_hash": "0xab"}]}, "requests.0.terms_hash"),
        ({"requests": [{**GOOD, "ledger": "../asset"}]}, "requests.0.ledger"),
        ({"requests": [{**GOOD, "position": 1}]}, "requests.0.position"),
    ],
)
async def test_bad_input_is_400_and_names_the_field(session: aiohttp.ClientSession, body: Any, field: str) -> None:
    sent = {"data": body} if isinstance(body, str) else {"json": body}
    async with session.post("/statements", **sent) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert sorted(error) == ["code", "field", "message"]
    assert error["field"] == field


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/statements", 413), ("GET", "/nothing", 404), ("DELETE", "/statements", 405)],
)
async def test_every_other_error_is_the_same_kind_of_document(
    session: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    body = b"x" * (MAX_BODY_BYTES + 1) if status == 413 else None
    async with session.request(method, path, data=body) as response:
        assert response.status == status
        assert sorted((await response.json())["error"]) == ["code", "field", "message"]


async def test_health_says_who_it_is_and_how_much_it_signed(quorum: Quorum, session: aiohttp.ClientSession) -> None:
    trade = signed(terms())
    quorum.asset.put(lock(trade))
    for _ in range(2):
        request = {**GOOD, "terms_hash": trade.terms_hash}
        async with session.post("/statements", json={"requests": [request]}) as response:
            assert response.status == 200
    async with session.get("/health") as response:
        assert await response.json() == {
            "address": ATTESTORS[0].address,
            "coordinator": COORDINATOR.identity.model_dump(),
            "network": NETWORK,
            "signed": 1,
            "left_out": [],
        }


async def test_what_was_signed_can_be_read_again_in_order(quorum: Quorum, session: aiohttp.ClientSession) -> None:
    trade = signed(terms())
    quorum.asset.put(lock(trade))
    quorum.payment.put(verdict(trade, VerdictKind.PAID))
    for fact, ledger in (("LOCKED", "asset"), ("PAID", "payment")):
        request = {"fact": fact, "terms_hash": trade.terms_hash, "ledger": ledger}
        async with session.post("/statements", json={"requests": [request]}) as response:
            assert response.status == 200
    pages = []
    for after in (0, 1, 2):
        async with session.get("/statements", params={"after": after, "limit": 1}) as response:
            pages.append(Votes.model_validate_json(await response.read()).votes)
    assert [[kept.signed.statement.fact for kept in page] for page in pages] == [["LOCKED"], ["PAID"], []]
    verify(pages[1][0].signed.statement, NETWORK, pages[1][0].signed.signature)
    async with session.get("/statements", params={"after": "x"}) as response:
        assert response.status == 400
