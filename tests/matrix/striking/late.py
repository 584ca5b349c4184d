"""The zombie: an attempt that the engine gave up and that lands all the same, later than anybody reckons with."""

from interlock.protocol import Fact, Receipt, Refusal, RefusalCode
from tests.matrix.cell import Cell, expect
from tests.matrix.steps import DECIDED
from tests.matrix.switchboard import When
from tests.matrix.trade import Trade


async def lands_after_the_retry(cell: Cell) -> None:
    """The first attempt is on its way until it has been given up and the second has been answered."""
    held = await cell.held(When.BEFORE)
    cell.strikes()
    held.let_others()
    retried = await cell.asked_again(held)
    held.let()
    landed = await held.landed()
    if cell.step.writes:
        expect(landed.text == retried.text, f"landing late it says {landed.text}, the retry said {retried.text}")


async def lands_after_the_other_end(cell: Cell) -> None:
    """The first attempt lands when the settlement has ended, the other way wherever there is one: voided and refunded
    by somebody with no workflow, or for *void* paid and released.
    """
    held = await cell.held(When.BEFORE)
    cell.strikes()
    if cell.step.name in DECIDED:
        await _there_is_no_other_end(cell)
    elif cell.step.name == "void":
        await _paid_by_hand(cell)
    else:
        await _voided_by_hand(cell.trade)
        cell.outcome = "CANCELLED"
    held.let_others()
    # so its attempt has been given up; the next one need not ask the same, if an earlier step shows that all is over
    await cell.ended_in_full()
    before = await cell.trade.books()
    held.let()
    landed = await held.landed()
    due = (cell.step.too_late, "no_quorum") if cell.step.asks_attestors else (cell.step.too_late,)
    expect(landed.answer in due, f"landing late it is answered {landed.answer}: {landed.text}")
    expect(await cell.trade.books() == before, "what landed late changed the ledgers")


async def _voided_by_hand(trade: Trade) -> None:
    """Two operators void it, and somebody refunds: with no lock there, that is a tombstone."""
    _done(await trade.void())
    _done(await trade.refund(await trade.certificate(Fact.VOIDED)))


async def _paid_by_hand(cell: Cell) -> None:
    """Cash comes in, and somebody pays and releases while the void is on its way."""
    trade = cell.trade
    await trade.fund_buyer()
    _done(await trade.pay(await trade.certificate(Fact.LOCKED)))
    _done(await trade.release(await trade.certificate(Fact.PAID)))
    cell.outcome = "SETTLED"


async def _there_is_no_other_end(cell: Cell) -> None:
    """The verdict stands: the other one is refused, and so is what only the other one entitles to."""
    trade = cell.trade
    if cell.step.name in ("attest PAID", "release"):
        _refused(await trade.void(), RefusalCode.ALREADY_PAID)
        _refused(await trade.refund(await trade.certificate(Fact.PAID)), RefusalCode.CERTIFICATE_INVALID)
    else:
        await trade.fund_buyer()
        _refused(await trade.pay(await trade.certificate_kept()), RefusalCode.ALREADY_VOIDED)
        _refused(await trade.release(await trade.certificate(Fact.VOIDED)), RefusalCode.CERTIFICATE_INVALID)


def _done(answer: Receipt | Refusal) -> None:
    expect(isinstance(answer, Receipt), f"by hand it is refused: {answer}")


def _refused(answer: Receipt | Refusal, code: RefusalCode) -> None:
    expect(isinstance(answer, Refusal) and answer.code is code, f"{code} was due, the answer is {answer}")
