"""Says how a trade ended: by the SDK's report and, whatever that says, by the ledgers' own rows and balances."""

from interlock.demo.scenario import SETTLED, Ending
from interlock.demo.trade import CASH, UNITS, Trade
from interlock.ledgers.ledger import Ledger
from interlock.protocol import Operation, Outcome
from interlock.stack.embedded import ASSETS


async def seen(trade: Trade, outcome: Outcome | None) -> Ending:
    """The ending as it stands: the report's outcome, and both ledgers' rows."""
    lock, verdict = await trade.lock(), await trade.verdict()
    return Ending(outcome, verdict.verdict if verdict else None, lock.state if lock else None)


async def objections(trade: Trade, told: Ending, ending: Ending) -> list[str]:
    """What is not as told: the ending, the four balances, the number of payments."""
    found = [] if ending == told else [f"it ended {ending}"]
    found += await _balances(trade, moved=told == SETTLED)
    payments = await _payments(trade)
    if payments != (1 if told == SETTLED else 0):
        found.append(f"it was paid {payments} times")
    return found


async def balance(ledger: Ledger, account: str) -> int:
    """What an account holds of its ledger's asset, in smallest units."""
    states = {state.account: state for state in await ledger.accounts()}
    return states[account].balances.get(ASSETS[ledger.name].code, 0)


async def _balances(trade: Trade, *, moved: bool) -> list[str]:
    units, cash = (UNITS, CASH) if moved else (0, 0)
    world = trade.world
    expected = [
        (world.asset, trade.seller_account, trade.units_given - units),
        (world.asset, trade.buyer_account, units),
        (world.payment, trade.seller_account, cash),
        (world.payment, trade.buyer_account, trade.cash_given - cash),
    ]
    return [
        f"{account} holds {held} on ledger {ledger.name}, not {quantity}"
        for ledger, account, quantity in expected
        if (held := await balance(ledger, account)) != quantity
    ]


async def _payments(trade: Trade) -> int:
    lines = await trade.world.payment.journal(trade.seller_account) or ()
    return sum(line.operation == Operation.PAY for line in lines)
