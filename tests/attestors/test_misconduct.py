"""The coordinator finds out who contradicts itself, and offers no certificate that needs somebody who is left out."""

from itertools import count

import pytest

from interlock.attestors.contradictions import Contradictions
from interlock.attestors.left_out import LeftOut
from interlock.protocol import (
    Attested,
    AttestRequest,
    DissentKind,
    Fact,
    NotAttested,
    SignedStatement,
    SignedTerms,
    Statement,
    VerdictKind,
)
from tests.attestors.books import Books, lock, signed, terms, verdict
from tests.attestors.quorum import Quorum
from tests.world import ATTESTORS, COORDINATOR, NETWORK

LIAR = ATTESTORS[0]
OTHERS = {each.address for each in ATTESTORS[1:]}


def statement(request: AttestRequest, position: int = 7, fact: Fact | None = None) -> Statement:
    return Statement(
        fact=fact or request.fact,
        coordinator=COORDINATOR.identity,
        terms_hash=request.terms_hash,
        ledger=request.ledger,
        reference=f"{request.ledger}:{position}",
        position=position,
    )


def says(said: Statement) -> SignedStatement:
    return SignedStatement(statement=said, signature=LIAR.sign(said, NETWORK))


def paid_trade(quorum: Quorum) -> SignedTerms:
    trade = signed(terms())
    quorum.payment.put(verdict(trade, VerdictKind.PAID))
    return trade


def locked_trade(quorum: Quorum) -> SignedTerms:
    trade = signed(terms())
    quorum.asset.put(lock(trade))
    return trade


def leave_out(quorum: Quorum, *numbers: int) -> None:
    for books in (quorum.asset, quorum.payment):
        books.misbehaved |= {ATTESTORS[number].address for number in numbers}


async def test_hazard_06_one_that_signs_whatever_verdict_it_is_asked_for_is_found_out(quorum: Quorum) -> None:
    trade = paid_trade(quorum)
    await quorum.lie(0, lambda request: says(statement(request)))
    async with quorum.collector() as collector:
        true = await collector.collect(Fact.PAID, trade.terms_hash, "payment")
        false = await collector.collect(Fact.VOIDED, trade.terms_hash, "payment")
    assert isinstance(true, Attested)
    assert true.misconduct == ()
    assert isinstance(false, NotAttested)
    [misconduct] = false.misconduct
    misconduct.verify(NETWORK)
    assert (misconduct.attestor, misconduct.terms_hash) == (LIAR.address, trade.terms_hash)


async def test_one_that_moves_a_lock_between_two_answers_is_found_out_though_it_only_dissents(quorum: Quorum) -> None:
    trade, positions = locked_trade(quorum), count(100)
    await quorum.lie(0, lambda request: says(statement(request, next(positions))))
    async with quorum.collector() as collector:
        await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    assert [each.kind for each in answer.dissents] == [DissentKind.OTHER_STATEMENT]
    assert [each.attestor for each in answer.misconduct] == [LIAR.address]


async def test_one_that_answers_something_else_than_it_was_asked_is_found_out_by_it(quorum: Quorum) -> None:
    trade, facts = paid_trade(quorum), iter((Fact.PAID, Fact.VOIDED))
    await quorum.lie(0, lambda request: says(statement(request, 9, next(facts))))
    async with quorum.collector() as collector:
        for _ in range(2):
            answer = await collector.collect(Fact.PAID, trade.terms_hash, "payment")
    assert [each.attestor for each in answer.misconduct] == [LIAR.address]


async def test_misconduct_goes_with_every_answer_until_the_attestors_report_it_judged(quorum: Quorum) -> None:
    trade, positions = locked_trade(quorum), count(100)
    await quorum.lie(0, lambda request: says(statement(request, next(positions))))
    told = []
    async with quorum.collector() as collector:
        for number in range(6):
            if number == 4:
                for attestor in quorum.attestors.values():
                    attestor._left_out._due = 0.0
                leave_out(quorum, 0)
            answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
            told.append([each.digest for each in answer.misconduct])
    assert told[0] == []
    assert told[1] == told[2] == told[3] != []
    assert told[5] == []


async def test_honest_attestors_are_never_found_out_even_by_a_ledger_that_changes_its_word(quorum: Quorum) -> None:
    trade = signed(terms())
    async with quorum.collector() as collector:
        for kind in (VerdictKind.PAID, VerdictKind.VOIDED):
            for position in (9, 10):
                quorum.payment.put(verdict(trade, kind, position))
                for fact in (Fact.PAID, Fact.VOIDED):
                    answer = await collector.collect(fact, trade.terms_hash, "payment")
                    assert answer.misconduct == ()


async def test_who_is_left_out_is_not_in_the_certificate(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    leave_out(quorum, 0)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, Attested)
    assert set(answer.certificate.signers) == OTHERS
    answer.certificate.verify(NETWORK, COORDINATOR)


async def test_the_report_of_one_is_not_believed_and_that_of_two_is(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    for number, reported in ((1, False), (2, True)):
        attestor = quorum.attestors[ATTESTORS[number].address]
        attestor._left_out = LeftOut({"asset": Books(misbehaved={LIAR.address})})
        async with quorum.collector() as collector:
            answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
        assert isinstance(answer, Attested)
        assert (LIAR.address not in answer.certificate.signers) is reported


async def test_with_two_left_out_there_is_no_quorum_and_the_answer_names_both_and_who_must_act(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    leave_out(quorum, 0, 1)
    async with quorum.collector() as collector:
        answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
    assert isinstance(answer, NotAttested)
    text = answer.refusal.text
    assert f"{LIAR.address} is left out for misconduct" in text
    assert f"{ATTESTORS[1].address} is left out for misconduct" in text
    assert text.startswith("2 of 4 attestors signed")
    assert answer.refusal.who.startswith("operators")


async def test_who_is_readmitted_counts_again(quorum: Quorum) -> None:
    trade = locked_trade(quorum)
    leave_out(quorum, 0, 1)
    async with quorum.collector() as collector:
        assert isinstance(await collector.collect(Fact.LOCKED, trade.terms_hash, "asset"), NotAttested)
        quorum.asset.misbehaved.clear()
        quorum.payment.misbehaved.clear()
        for attestor in quorum.attestors.values():
            attestor._left_out._due = 0.0
        for _ in range(20):  # an answer says what the look before it saw
            answer = await collector.collect(Fact.LOCKED, trade.terms_hash, "asset")
            if isinstance(answer, Attested) and len(answer.certificate.signers) == 4:
                return
    pytest.fail(f"never: {answer}")


def test_only_so_much_is_remembered_and_the_oldest_is_forgotten() -> None:
    def word(number: int, position: int = 1) -> SignedStatement:
        request = AttestRequest(fact=Fact.LOCKED, terms_hash=f"0x{number:064x}", ledger="asset")
        return says(statement(request, position))

    memory = Contradictions(NETWORK, most_remembered=10)
    for number in range(11):
        memory.hear(word(number))
    memory.hear(word(0, 2))
    assert memory.untold(frozenset()) == ()
    memory.hear(word(10, 2))
    assert [each.terms_hash for each in memory.untold(frozenset())] == [f"0x{10:064x}"]


def test_what_was_judged_is_not_told_again_and_another_misconduct_is() -> None:
    request = AttestRequest(fact=Fact.LOCKED, terms_hash="0x" + "0a" * 32, ledger="asset")
    memory = Contradictions(NETWORK)
    for position in (1, 2, 3):
        memory.hear(says(statement(request, position)))
    assert len(memory.untold(frozenset())) == 1
    assert memory.untold(frozenset({LIAR.address})) == ()
    memory.hear(says(statement(request, 2)))
    assert memory.untold(frozenset()) == ()
    memory.hear(says(statement(request, 3)))
    assert len(memory.untold(frozenset())) == 1
