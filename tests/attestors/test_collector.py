"""The coordinator finds the first quorum that verifies, and says who dissented and how, whatever single ones do."""

import asyncio

import pytest
from aiohttp import web

from interlock.attestors.collector import Collector
from interlock.protocol import (
    Attested,
    AttestRequest,
    Dissent,
    DissentKind,
    Fact,
    LocalSigner,
    NotAttested,
    RefusalCode,
    SignedStatement,
    SignedTerms,
    Statement,
    VerdictKind,
)
from tests.attestors.books import lock, signed, terms, verdict
from tests.attestors.quorum import Quorum
from tests.world import ATTESTORS, COORDINATOR, NETWORK, STRANGER

ADDRESSES = tuple(each.address for each in ATTESTORS)


def locked_trade(quorum: Quorum) -> SignedTerms:
    trade = signed(terms())
    quorum.asset.put(lock(trade))
    return trade


def statement(request: AttestRequest, position: int = 7, **changes: object) -> Statement:
    said = {
        "fact": request.fact,
        "coordinator": COORDINATOR.identity,
        "terms_hash": request.terms_hash,
        "ledger": request.ledger,
        "reference": f"{request.ledger}:{position}",
        "position": position,
    }
    return Statement.model_validate(said | changes)


def says(said: Statement, signer: LocalSigner, network: str = NETWORK) -> SignedStatement:
    return SignedStatement(statement=said, signature=signer.sign(said, network))


def how(dissents: tuple[Dissent, ...]) -> dict[str, DissentKind]:
    return {dissent.attestor: dissent.kind for dissent in dissents}


async def test_four_that_agree_make_a_certificate_that_verifies_and_nobody_dissents(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    answer.certificate.verify(NETWORK, COORDINATOR)
    assert answer.certificate.statement.terms_hash == trade.terms_hash
    assert answer.dissents == ()


async def test_one_that_is_down_is_a_dissent_and_the_quorum_stands(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    await quorum.stop(2)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    answer.certificate.verify(NETWORK, COORDINATOR)
    assert how(answer.dissents) == {ADDRESSES[2]: DissentKind.UNREACHABLE}


async def test_one_that_does_not_see_it_declines_and_is_a_dissent(quorum: Quorum) -> None:
    trade = locked_trade(quorum)

    async def decline(_: web.Request) -> web.Response:
        return web.json_response({"answers": [{"declined": {"code": "no_lock", "text": "not here"}}]})

    await quorum.replace(1, decline)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    [dissent] = answer.dissents
    assert (dissent.kind, dissent.text) == (DissentKind.DECLINED, "no_lock: not here")


LIES = {
    "says another position": (lambda r: says(statement(r, 666), ATTESTORS[0]), DissentKind.OTHER_STATEMENT),
    "says it of other terms": (
        lambda r: says(statement(r, terms_hash="0x" + "ab" * 32), ATTESTORS[0]),
        DissentKind.OTHER_STATEMENT,
    ),
    "says another fact": (lambda r: says(statement(r, fact=Fact.VOIDED), ATTESTORS[0]), DissentKind.OTHER_STATEMENT),
    "says another ledger": (lambda r: says(statement(r, ledger="moon"), ATTESTORS[0]), DissentKind.OTHER_STATEMENT),
    "says it for another set": (
        lambda r: says(statement(r, coordinator=COORDINATOR.identity.model_copy(update={"epoch": 2})), ATTESTORS[0]),
        DissentKind.OTHER_STATEMENT,
    ),
    "signs with a stranger's key": (lambda r: says(statement(r), STRANGER), DissentKind.BAD_SIGNATURE),
    "sends another attestor's signature": (lambda r: says(statement(r), ATTESTORS[1]), DissentKind.BAD_SIGNATURE),
    "signs as itself with a stranger's key": (
        lambda r: SignedStatement(
            statement=statement(r),
            signature=STRANGER.sign(statement(r), NETWORK).model_copy(update={"signer": ADDRESSES[0]}),
        ),
        DissentKind.BAD_SIGNATURE,
    ),
    "signs for another network": (
        lambda r: says(statement(r), ATTESTORS[0], "0x" + "2e" * 32),
        DissentKind.BAD_SIGNATURE,
    ),
    "signs another statement than it sends": (
        lambda r: SignedStatement(statement=statement(r), signature=ATTESTORS[0].sign(statement(r, 8), NETWORK)),
        DissentKind.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize("lie", list(LIES))
async def test_a_liar_is_named_and_its_signature_is_not_in_the_certificate(quorum: Quorum, lie: str) -> None:
    trade = locked_trade(quorum)
    tell, kind = LIES[lie]
    await quorum.lie(0, tell)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    answer.certificate.verify(NETWORK, COORDINATOR)
    assert {each.signer for each in answer.certificate.signatures} == set(ADDRESSES[1:])
    assert how(answer.dissents) == {ADDRESSES[0]: kind}


@pytest.mark.parametrize("lie", list(LIES))
async def test_a_liar_cannot_make_up_for_one_that_is_missing(quorum: Quorum, lie: str) -> None:
    trade = locked_trade(quorum)
    await quorum.lie(0, LIES[lie][0])
    await quorum.stop(3)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, NotAttested)


async def test_a_quorum_about_something_else_than_was_asked_is_no_quorum(quorum: Quorum) -> None:
    trade, other = locked_trade(quorum), locked_trade(quorum)
    for number, signer in enumerate(ATTESTORS):
        await quorum.lie(number, lambda r, by=signer: says(statement(r, terms_hash=other.terms_hash), by))  # type: ignore[misc]  # mypy cannot infer a default's type here
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, NotAttested)
    assert how(answer.dissents) == dict.fromkeys(ADDRESSES, DissentKind.OTHER_STATEMENT)


@pytest.mark.parametrize("asked", [Fact.PAID, Fact.VOIDED])
async def test_one_that_signs_both_verdicts_gets_no_certificate_of_the_false_one(quorum: Quorum, asked: Fact) -> None:
    trade = signed(terms())
    quorum.payment.put(verdict(trade, VerdictKind.PAID))
    await quorum.lie(0, lambda r: says(statement(r, 9), ATTESTORS[0]))
    async with quorum.collector() as collector:
        answer = await collector.collect(asked, trade.terms_hash, "payment")
    if asked is Fact.PAID:
        assert isinstance(answer, Attested)
        assert len(answer.certificate.signatures) >= 3
    else:
        assert isinstance(answer, NotAttested)
        assert how(answer.dissents) == dict.fromkeys(ADDRESSES[1:], DissentKind.DECLINED)


async def test_without_a_quorum_the_refusal_names_who_is_missing_and_why(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    await quorum.stop(0)
    await quorum.lie(1, lambda r: says(statement(r, 666), ATTESTORS[1]))
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, NotAttested)
    assert (answer.refusal.code, answer.refusal.who) == (RefusalCode.NO_QUORUM, "coordinator's attestors")
    assert answer.refusal.text.startswith("2 of 4 attestors signed LOCKED, the quorum is 3")
    assert f"{ADDRESSES[0]} unreachable" in answer.refusal.text
    assert f"{ADDRESSES[1]} other_statement" in answer.refusal.text
    assert how(answer.dissents) == {
        ADDRESSES[0]: DissentKind.UNREACHABLE,
        ADDRESSES[1]: DissentKind.OTHER_STATEMENT,
    }


async def test_nobody_at_all_is_no_quorum_and_no_exception() -> None:
    async with Collector({}, COORDINATOR, NETWORK) as collector:
        answer = await collector.collect(Fact.LOCKED, "0x" + "ab" * 32, "asset")
    assert isinstance(answer, NotAttested)
    assert how(answer.dissents) == dict.fromkeys(ADDRESSES, DissentKind.UNREACHABLE)


async def test_one_that_hangs_delays_no_longer_than_the_grace(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    asked, answer_now = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        asked.set()
        await answer_now.wait()
        return web.Response()

    await quorum.replace(3, hang)
    async with quorum.collector(grace_seconds=0.05) as collector, asyncio.timeout(60):
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert asked.is_set()
    answer_now.set()
    assert isinstance(answer, Attested)
    assert answer.dissents == ()  # it may well have signed: nobody knows


async def test_those_that_hang_are_unreachable_once_their_time_is_up(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    answer_now = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await answer_now.wait()
        return web.Response()

    for number in (2, 3):
        await quorum.replace(number, hang)
    async with quorum.collector(timeout_seconds=0.5) as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    answer_now.set()
    assert isinstance(answer, NotAttested)
    assert {each.text for each in answer.dissents} == {"no answer within 0.5 s"}


RUBBISH = {
    "no JSON": "hello",
    "JSON of another kind": '{"answers": [{"statement": 1}]}',
    "no answers": '{"answers": []}',
    "too long": "x" * (2 * 1024 * 1024),
}


@pytest.mark.parametrize("what", list(RUBBISH))
async def test_rubbish_is_a_dissent_and_no_exception(quorum: Quorum, what: str) -> None:
    trade = locked_trade(quorum)

    async def babble(_: web.Request) -> web.Response:
        return web.Response(text=RUBBISH[what])

    await quorum.replace(0, babble)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    assert how(answer.dissents) == {ADDRESSES[0]: DissentKind.UNREACHABLE}


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_status_that_is_not_200_is_a_dissent(quorum: Quorum, status: int) -> None:
    trade = locked_trade(quorum)

    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    await quorum.replace(0, fail)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    assert [each.text for each in answer.dissents] == [f"it answered HTTP {status}"]


async def test_no_attestor_contradicts_its_verdict_after_a_restart(quorum: Quorum) -> None:
    trade = signed(terms())
    quorum.payment.put(verdict(trade, VerdictKind.PAID))
    async with quorum.collector() as collector:
        paid = await collector.collect(Fact.PAID, trade.terms_hash, "payment")
    assert isinstance(paid, Attested)
    for number in range(4):
        await quorum.stop(number)
        await quorum.start(number)
    quorum.payment.put(verdict(trade, VerdictKind.VOIDED))  # a ledger that forgot what it had decided
    async with quorum.collector() as collector:
        voided = await collector.collect(Fact.VOIDED, trade.terms_hash, "payment")
    assert isinstance(voided, NotAttested)
    assert {each.text.partition(":")[0] for each in voided.dissents} == {"contradicts_vote"}


async def test_many_at_once_all_get_their_own_certificate(quorum: Quorum) -> None:
    trades = [locked_trade(quorum) for _ in range(30)]
    async with quorum.collector() as collector:
        answers = await asyncio.gather(*(collector.collect(Fact.LOCKED, trade.terms_hash, "asset") for trade in trades))
    hashes = [each.certificate.statement.terms_hash for each in answers if isinstance(each, Attested)]
    assert hashes == [trade.terms_hash for trade in trades]


async def test_an_endpoint_of_a_key_outside_the_set_is_refused() -> None:
    with pytest.raises(ValueError, match="is not in attestor set"):
        Collector({STRANGER.address: "http://127.0.0.1:1"}, COORDINATOR, NETWORK)
