"""The ledgers' books after the demo, a line for each trade: what its four accounts hold, in whole units."""

from collections.abc import Sequence

from interlock.demo.world import BUYER, SELLER, World
from interlock.protocol import AccountState
from interlock.protocol.amounts import format_units
from interlock.stack.embedded import ASSETS

TITLE = f"The ledgers' books: accounts {SELLER} and {BUYER} of the story, {SELLER}.NAME and {BUYER}.NAME of the others"
COLUMNS = ("trade", f"{SELLER} OUSG", f"{BUYER} OUSG", f"{SELLER} USD", f"{BUYER} USD")


async def rows(world: World) -> list[tuple[str, ...]]:
    """One row for each pair of accounts, and their sums."""
    states = {ledger.name: await ledger.accounts() for ledger in (world.asset, world.payment)}
    names = [state.account.removeprefix(SELLER) for state in states["asset"] if state.account.startswith(SELLER)]
    lines = [
        (name.removeprefix(".") or "story", *(_held(states, ledger, f"{side}{name}") for ledger, side in _PLACES))
        for name in sorted(names)
    ]
    return [*lines, ("together", *(_held(states, ledger, side, all_of_them=True) for ledger, side in _PLACES))]


_PLACES = (("asset", SELLER), ("asset", BUYER), ("payment", SELLER), ("payment", BUYER))


def _held(states: dict[str, Sequence[AccountState]], ledger: str, account: str, *, all_of_them: bool = False) -> str:
    asset = ASSETS[ledger]
    held = sum(
        state.balances.get(asset.code, 0)
        for state in states[ledger]
        if state.account == account or (all_of_them and state.account.startswith(account))
    )
    return grouped(held, asset.decimals)


def grouped(quantity: int, decimals: int) -> str:
    """Whole units with thousands separators, for people."""
    whole, point, part = format_units(quantity, decimals).partition(".")
    return f"{int(whole):,}{point}{part}"
