"""What one attestor signs and what it declines, over rows that are right, wrong or gone."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.attestors.answers import DeclineCode, Declined
from interlock.attestors.attestor import Attestor
from interlock.attestors.votes import VoteStore
from interlock.protocol import (
    Attestors,
    AttestRequest,
    Fact,
    LockState,
    SignedStatement,
    SignedTerms,
    Statement,
    VerdictKind,
    verify,
)
from tests.attestors.books import Books, lock, signed, terms, verdict
from tests.world import ATTESTORS, COORDINATOR, NETWORK, SELLER, STRANGER

ME = ATTESTORS[0]
OTHER_NETWORK = "0x" + "2e" * 32
OTHER_SET = Attestors.of("others", 1, (STRANGER.address,))
FLUSHED = 2
"""SQLite's synchronous=FULL: a commit has reached the disk when it returns."""


@pytest.fixture
def asset() -> Books:
    return Books()


@pytest.fixture
def payment() -> Books:
    return Books()


@pytest.fixture
async def votes(tmp_path: Path) -> AsyncIterator[VoteStore]:
    store = VoteStore.create(tmp_path / "votes", ME.address)
    yield store
    await store.close()


@pytest.fixture
def attestor(asset: Books, payment: Books, votes: VoteStore) -> Attestor:
    return Attestor(ME, NETWORK, COORDINATOR, {"asset": asset, "payment": payment}, votes)


def locked(of: SignedTerms, ledger: str = "asset") -> AttestRequest:
    return AttestRequest(fact=Fact.LOCKED, terms_hash=of.terms_hash, ledger=ledger)


def says(kind: Fact, of: SignedTerms, ledger: str = "payment") -> AttestRequest:
    return AttestRequest(fact=kind, terms_hash=of.terms_hash, ledger=ledger)


def code(answer: SignedStatement | Declined) -> str:
    return answer.code if isinstance(answer, Declined) else "signed"


async def test_a_lock_that_stands_is_signed_with_its_own_position(attestor: Attestor, asset: Books) -> None:
    trade = signed(terms())
    asset.put(lock(trade))
    answer = await attestor.attest(locked(trade))
    assert isinstance(answer, SignedStatement)
    assert answer.statement == Statement(
        fact=Fact.LOCKED,
        coordinator=COORDINATOR.identity,
        terms_hash=trade.terms_hash,
        ledger="asset",
        reference="asset:7",
        position=7,
    )
    assert answer.signature.signer == ME.address
    verify(answer.statement, NETWORK, answer.signature)


@pytest.mark.parametrize("kind", list(VerdictKind))
async def test_a_verdict_is_signed_and_the_other_one_is_not(
    attestor: Attestor, payment: Books, kind: VerdictKind
) -> None:
    trade = signed(terms())
    payment.put(verdict(trade, kind))
    other = Fact.PAID if kind is VerdictKind.VOIDED else Fact.VOIDED
    assert code(await attestor.attest(says(other, trade))) == DeclineCode.OTHER_VERDICT
    answer = await attestor.attest(says(Fact(kind.value), trade))
    assert isinstance(answer, SignedStatement)
    assert (answer.statement.fact, answer.statement.position) == (kind.value, 9)


async def test_a_request_repeated_gets_the_very_same_bytes(attestor: Attestor, payment: Books) -> None:
    trade = signed(terms())
    payment.put(verdict(trade, VerdictKind.PAID))
    first = await attestor.attest(says(Fact.PAID, trade))
    assert await attestor.attest(says(Fact.PAID, trade)) == first
    assert attestor.signed == 1


async def test_two_attestors_sign_equal_bytes(attestor: Attestor, asset: Books, payment: Books, tmp_path: Path) -> None:
    trade = signed(terms())
    asset.put(lock(trade))
    votes = VoteStore.create(tmp_path / "other", ATTESTORS[1].address)
    other = Attestor(ATTESTORS[1], NETWORK, COORDINATOR, {"asset": asset, "payment": payment}, votes)
    answers = [await each.attest(locked(trade)) for each in (attestor, other)]
    await votes.close()
    first, second = (each.statement.model_dump_json() for each in answers if isinstance(each, SignedStatement))
    assert first == second


@pytest.mark.parametrize(
    ("state", "tombstone", "expected"),
    [
        (LockState.LOCKED, False, "signed"),
        (LockState.LOCKED, True, DeclineCode.NOT_LOCKED),
        (LockState.RELEASED, False, DeclineCode.NOT_LOCKED),
        (LockState.REFUNDED, False, DeclineCode.NOT_LOCKED),
        (LockState.REFUNDED, True, DeclineCode.NOT_LOCKED),
    ],
)
async def test_locked_is_signed_only_while_the_units_are_in_escrow(
    attestor: Attestor, asset: Books, state: LockState, tombstone: bool, expected: str
) -> None:
    trade = signed(terms())
    asset.put(lock(trade, state, tombstone=tombstone))
    assert code(await attestor.attest(locked(trade))) == expected


async def test_what_is_not_there_is_not_signed(attestor: Attestor) -> None:
    trade = signed(terms())
    assert code(await attestor.attest(locked(trade))) == DeclineCode.NO_LOCK
    assert code(await attestor.attest(says(Fact.PAID, trade))) == DeclineCode.NO_VERDICT
    assert code(await attestor.attest(locked(trade, "moon"))) == DeclineCode.UNKNOWN_LEDGER


async def test_a_ledger_that_cannot_be_read_is_a_declined_answer(attestor: Attestor, asset: Books) -> None:
    trade = signed(terms())
    asset.put(lock(trade))
    asset.broken = True
    answer = await attestor.attest(locked(trade))
    assert isinstance(answer, Declined)
    assert answer.code == DeclineCode.LEDGER_UNREACHABLE
    assert "away" not in answer.text  # a driver's text may hold a DSN
    asset.broken = False
    assert code(await attestor.attest(locked(trade))) == "signed"


async def test_many_requests_take_one_look_at_each_kind_of_row(
    attestor: Attestor, asset: Books, payment: Books
) -> None:
    trades = [signed(terms()) for _ in range(20)]
    for trade in trades[::2]:
        asset.put(lock(trade))
        payment.put(verdict(trade, VerdictKind.PAID))
    requests = [ask(trade) for trade in trades for ask in (locked, lambda of: says(Fact.PAID, of))]
    answers = [code(each) for each in await attestor.attest_all(requests)]
    assert answers == ["signed", "signed", DeclineCode.NO_LOCK, DeclineCode.NO_VERDICT] * 10
    assert (asset.looks, payment.looks) == (1, 1)


async def test_a_row_that_cannot_be_understood_spoils_no_other(attestor: Attestor, asset: Books) -> None:
    trades = [signed(terms()) for _ in range(5)]
    asset.put(*(lock(trade) for trade in trades))
    asset.unreadable = {trades[3].terms_hash}
    answers = [code(each) for each in await attestor.attest_all([locked(trade) for trade in trades])]
    assert answers == ["signed", "signed", "signed", DeclineCode.LEDGER_UNREACHABLE, "signed"]


async def test_a_ledger_that_is_away_spoils_no_answer_about_another(
    attestor: Attestor, asset: Books, payment: Books
) -> None:
    trade = signed(terms())
    asset.put(lock(trade))
    payment.broken = True
    requests = [says(Fact.PAID, trade), locked(trade), locked(trade, "moon")]
    answers = [code(each) for each in await attestor.attest_all(requests)]
    assert answers == [DeclineCode.LEDGER_UNREACHABLE, "signed", DeclineCode.UNKNOWN_LEDGER]


async def test_terms_of_another_network_are_declined(attestor: Attestor, asset: Books) -> None:
    trade = signed(terms(), OTHER_NETWORK)
    asset.put(lock(trade))
    assert code(await attestor.attest(locked(trade))) == DeclineCode.WRONG_NETWORK


async def test_terms_that_name_another_set_are_declined(attestor: Attestor, asset: Books) -> None:
    trade = signed(terms(coordinator=OTHER_SET.identity))
    asset.put(lock(trade))
    assert code(await attestor.attest(locked(trade))) == DeclineCode.UNKNOWN_COORDINATOR


async def test_a_successor_answers_for_its_predecessor_in_its_own_name(asset: Books, votes: VoteStore) -> None:
    trade = signed(terms(coordinator=OTHER_SET.identity))
    asset.put(lock(trade))
    successor = Attestor(ME, NETWORK, COORDINATOR, {"asset": asset}, votes, predecessors=(OTHER_SET.identity,))
    answer = await successor.attest(locked(trade))
    assert isinstance(answer, SignedStatement)
    assert answer.statement.coordinator == COORDINATOR.identity


async def test_a_row_that_holds_other_terms_is_declined(attestor: Attestor, asset: Books) -> None:
    asked, stored = signed(terms()), signed(terms())
    asset.put(lock(stored).model_copy(update={"terms_hash": asked.terms_hash}))
    assert code(await attestor.attest(locked(asked))) == DeclineCode.TERMS_MISMATCH


@pytest.mark.parametrize("keep", [0, 1])
async def test_terms_without_both_signatures_are_declined(attestor: Attestor, asset: Books, keep: int) -> None:
    trade = signed(terms())
    asset.put(lock(trade.model_copy(update={"signatures": trade.signatures[:keep]})))
    assert code(await attestor.attest(locked(trade))) == DeclineCode.SIGNATURE_INVALID


async def test_terms_with_a_signature_on_something_else_are_declined(attestor: Attestor, asset: Books) -> None:
    trade = signed(terms())
    forged = (SELLER.sign(terms(), NETWORK), trade.signatures[1])
    asset.put(lock(trade.model_copy(update={"signatures": forged})))
    assert code(await attestor.attest(locked(trade))) == DeclineCode.SIGNATURE_INVALID


async def test_a_lock_is_believed_only_on_the_ledger_that_the_terms_deliver_on(
    attestor: Attestor, asset: Books, payment: Books
) -> None:
    trade = signed(terms())
    payment.put(lock(trade))
    asset.put(verdict(trade, VerdictKind.PAID))
    assert code(await attestor.attest(locked(trade, "payment"))) == DeclineCode.WRONG_LEDGER
    assert code(await attestor.attest(says(Fact.PAID, trade, "asset"))) == DeclineCode.WRONG_LEDGER


@pytest.mark.parametrize("first", list(VerdictKind))
async def test_hazard_06_no_attestor_signs_both_verdicts_even_if_its_ledger_says_both(
    attestor: Attestor, payment: Books, first: VerdictKind
) -> None:
    trade = signed(terms())
    second = next(kind for kind in VerdictKind if kind is not first)
    payment.put(verdict(trade, first))
    assert code(await attestor.attest(says(Fact(first.value), trade))) == "signed"
    payment.put(verdict(trade, second))
    assert code(await attestor.attest(says(Fact(second.value), trade))) == DeclineCode.CONTRADICTS_VOTE


async def test_locked_is_not_signed_after_voided_but_may_be_after_paid(
    attestor: Attestor, asset: Books, payment: Books
) -> None:
    for kind, expected in ((VerdictKind.VOIDED, DeclineCode.CONTRADICTS_VOTE), (VerdictKind.PAID, "signed")):
        trade = signed(terms())
        asset.put(lock(trade))
        payment.put(verdict(trade, kind))
        await attestor.attest(says(Fact(kind.value), trade))
        assert code(await attestor.attest(locked(trade))) == expected


async def test_hazard_06_the_vote_is_on_disk_before_the_signature_leaves(
    attestor: Attestor, payment: Books, tmp_path: Path
) -> None:
    """While the vote cannot be written there is no signature; once there is one, any other process reads the vote."""
    trade = signed(terms())
    payment.put(verdict(trade, VerdictKind.PAID))
    blocker = sqlite3.connect(tmp_path / "votes", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    attestor._votes._connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await attestor.attest(says(Fact.PAID, trade))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert code(await attestor.attest(says(Fact.PAID, trade))) == "signed"
    seen_by_another = VoteStore.open(tmp_path / "votes", ME.address)
    assert [vote.fact for _, vote in await seen_by_another.after(0, 10)] == [Fact.PAID]
    assert seen_by_another._connection.execute("PRAGMA synchronous").fetchone() == (FLUSHED,)
    await seen_by_another.close()


async def test_a_key_outside_the_set_is_no_attestor(votes: VoteStore) -> None:
    with pytest.raises(ValueError, match="is not in attestor set"):
        Attestor(STRANGER, NETWORK, COORDINATOR, {}, votes)
