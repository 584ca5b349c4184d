"""One of the four attestors is down, slow, lying or contradicting itself from the step on until the settlement has
ended; and for a while a second one is silent, so that the faulty one's word would be needed for a quorum.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from interlock.demo.liar import Liar
from interlock.protocol import (
    AttestorSet,
    AttestRequest,
    Certificate,
    Fact,
    LocalSigner,
    NotAttested,
    Refusal,
    RefusalCode,
    verify,
)
from tests.matrix.cell import Cell, expect
from tests.matrix.equivocator import Equivocator
from tests.matrix.switchboard import Held, When

FAULTY, SILENT = 4, 3
"""The faulty attestor, and the second one that does not answer for a while."""

AFTER_ALL_ATTESTING = ("release", "refund")
"""Steps after which no attestor is asked any more."""


async def one_is_down(cell: Cell) -> None:
    """SIGKILL; and with a second one silent there is no quorum."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    async with _down(cell, FAULTY):
        await _short_of_a_quorum(cell, held)
        await cell.ended()


async def one_is_slow(cell: Cell) -> None:
    """SIGSTOP: it takes every request, and answers none in time."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    async with _silent(cell, FAULTY):
        await _short_of_a_quorum(cell, held)
        await cell.ended()


async def one_is_lying(cell: Cell) -> None:
    """It signs all that it is asked, for a place of the journal that it made up: two true words and a lie are short."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    async with _down(cell, FAULTY), Liar(*_place_of_the_faulty(cell)):
        await _short_of_a_quorum(cell, held)
        await cell.ended()
        await _nobody_certifies_the_contrary(cell)


async def one_is_contradicting_itself(cell: Cell) -> None:
    """It signs what is so and, to whoever asks, the contrary as well: its word counts once, for what two others say."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    async with _down(cell, FAULTY), Equivocator(*_place_of_the_faulty(cell), {**cell.lane.ledgers}) as equivocator:
        async with _silent(cell, SILENT):
            held.let()
            await cell.ended()
        await _nobody_certifies_the_contrary(cell)
        trade, words = cell.trade, {}
        for fact in (Fact.PAID, Fact.VOIDED):
            word = await equivocator.says(AttestRequest(fact=fact, terms_hash=trade.terms_hash, ledger="payment"))
            verify(word.statement, trade.network, word.signature)
            words[fact] = Certificate(statement=word.statement, signatures=(word.signature,))
        settled = cell.outcome == "SETTLED"
        answer = await (trade.refund(words[Fact.VOIDED]) if settled else trade.release(words[Fact.PAID]))
        refused = isinstance(answer, Refusal) and answer.code is RefusalCode.CERTIFICATE_INVALID
        expect(refused, f"its word alone is answered {answer}")


def _place_of_the_faulty(cell: Cell) -> tuple[LocalSigner, str, AttestorSet, str]:
    """The faulty attestor's key, network, set and URL."""
    stack = cell.lane.stack
    signer = stack.identity.signers[FAULTY - 1]
    return signer, stack.identity.network, stack.coordinator, stack.attestor_urls[signer.address]


@asynccontextmanager
async def _down(cell: Cell, number: int) -> AsyncIterator[None]:
    """Killed, and for as long as the block lasts not there."""
    await cell.lane.kill_attestor(number)
    try:
        yield
    finally:
        await cell.lane.stack.start_attestor(number)


@asynccontextmanager
async def _silent(cell: Cell, number: int) -> AsyncIterator[None]:
    """Stopped in its tracks, for as long as the block lasts."""
    cell.lane.signal_attestor(number, signal.SIGSTOP)
    await cell.lane.attestor_is_stopped(number)
    try:
        yield
    finally:
        cell.lane.signal_attestor(number, signal.SIGCONT)


async def _short_of_a_quorum(cell: Cell, held: Held) -> None:
    """Let the step go on with a second attestor silent, until the next certificate was asked for in vain."""
    async with _silent(cell, SILENT):
        held.let()
        if cell.step.name in AFTER_ALL_ATTESTING:
            await held.landed()
            return
        await cell.heard(None, When.AFTER, answer="no_quorum")


async def _nobody_certifies_the_contrary(cell: Cell) -> None:
    """All four are asked for the verdict that was not given, the faulty one among them."""
    contrary = Fact.VOIDED if cell.outcome == "SETTLED" else Fact.PAID
    answer = await cell.lane.collector.collect(contrary, cell.trade.terms_hash, "payment")
    expect(isinstance(answer, NotAttested), f"{contrary} is certified: {answer}")
