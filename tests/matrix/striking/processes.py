"""A worker process is killed, or an answer goes astray, at exactly one place of a step."""

from tests.matrix.cell import Cell, expect
from tests.matrix.placement import Placement
from tests.matrix.switchboard import NOT_NOW, Held, Then, When


async def killed_before_the_effect(cell: Cell) -> None:
    """SIGKILL to the worker when it is about to ask; another one starts at once."""
    held = await _held(cell, When.BEFORE)
    await _replace_the_worker(cell, held)
    await cell.asked_again(held)


async def killed_after_the_commit(cell: Cell) -> None:
    """SIGKILL to the worker when the ledger has answered, and nobody has heard it; another one starts at once."""
    held = await _held(cell, When.AFTER)
    await _replace_the_worker(cell, held)
    await _says_the_same_again(cell, held)


async def the_answer_is_lost(cell: Cell) -> None:
    """The ledger has done it, and the connection breaks before the worker hears of it."""
    held = await cell.held(When.AFTER)
    cell.strikes()
    held.let(Then.LOSE)
    await _says_the_same_again(cell, held)


async def the_answer_comes_twice(cell: Cell) -> None:
    """The very request is delivered twice, and the second answer is the one that counts."""
    held = await cell.held(When.AFTER)
    cell.strikes()
    held.let(Then.AGAIN)
    again = await cell.heard(cell.step.verb, When.AGAIN)
    same = again.text == held.said.text or again.answer in NOT_NOW
    expect(same, f"the second answer is {again.text}, the first was {held.said.text}")
    if cell.step.name == "match":
        await cell.trade.settle()  # what makes a match is the parties' words: they come twice as well


async def no_worker_for_a_while(cell: Cell) -> None:
    """SIGKILL to the only worker; the next one starts when the engine has given the attempt up."""
    held = await _held(cell, When.BEFORE)
    cell.strikes()
    await cell.room.kill_worker()
    held.let_others()
    await cell.given_up()
    await cell.room.start_worker()
    await cell.asked_again(held)


async def _held(cell: Cell, when: When) -> Held:
    """The step, held in a worker that is to die.

    What it has begun here dies with it, and history knows nothing of that. Were the second party's word there by then,
    there would be a match, and no other look at the ledgers on the first word alone: so it comes during that look.
    """
    if cell.placement is Placement.HERE:
        cell.second_word_at_look = 2
    return await cell.held(when)


async def _replace_the_worker(cell: Cell, held: Held) -> None:
    cell.strikes()
    await cell.room.kill_worker()
    held.let_others()
    await cell.room.start_worker()


async def _says_the_same_again(cell: Cell, held: Held) -> None:
    again = await cell.asked_again(held)
    expect(again.text == held.said.text, f"asked again it says {again.text}, first it said {held.said.text}")
