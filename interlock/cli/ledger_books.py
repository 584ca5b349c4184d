"""`ledger accounts` and `ledger journal`: what the ledgers' books say, in whole units, exactly. Changes nothing."""

import argparse
from typing import Any

from interlock.cli.context import Context
from interlock.cli.errors import CliError
from interlock.ledgers.ledger import Ledger
from interlock.protocol import AccountState, JournalLine
from interlock.protocol.amounts import format_units, grouped


def configure(acts: Any) -> None:
    """Add `accounts` and `journal`."""
    accounts = acts.add_parser("accounts", help="every account, with its balances", description=__doc__)
    accounts.add_argument("ledger", metavar="LEDGER", nargs="?", help="asset or payment; both unless given")
    accounts.set_defaults(call=_accounts)
    journal = acts.add_parser("journal", help="an account's postings, oldest first", description=__doc__)
    journal.add_argument("ledger", metavar="LEDGER", help="asset or payment")
    journal.add_argument("account", metavar="ACCOUNT")
    journal.set_defaults(call=_journal)


class _Units:
    """Whole units of a ledger's assets; each asset is asked for once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._decimals: dict[str, int] = {}

    async def text(self, code: str, quantity: int) -> str:
        if code not in self._decimals:
            asset = await self._ledger.asset(code)
            if asset is None:
                raise CliError("unknown_asset", f"{self._ledger.name} holds {code}, which it does not know", "asset")
            self._decimals[code] = asset.decimals
        return format_units(quantity, self._decimals[code])


async def _accounts(arguments: argparse.Namespace, context: Context) -> int:
    accounts: list[dict[str, Any]] = []
    for name in (arguments.ledger,) if arguments.ledger else context.ledger_names():
        async with context.ledger(name) as ledger:
            units = _Units(ledger)
            accounts += [await _described(state, units) for state in await ledger.accounts()]
    context.output.document({"accounts": accounts})
    if not context.as_json:
        context.output.table(
            ["ledger", "account", "owner", "admitted", "frozen", "balances"],
            [
                (
                    each["ledger"],
                    each["account"],
                    context.keystore.name_of(each["owner"]) or each["owner"],
                    "yes" if each["admitted"] else "no",
                    "yes" if each["frozen"] else "no",
                    ", ".join(f"{grouped(amount)} {code}" for code, amount in each["balances"].items()),
                )
                for each in accounts
            ],
        )
    return 0


async def _described(state: AccountState, units: _Units) -> dict[str, Any]:
    balances = {code: await units.text(code, quantity) for code, quantity in sorted(state.balances.items())}
    return state.model_dump(mode="json", exclude={"balances"}) | {"balances": balances}


async def _journal(arguments: argparse.Namespace, context: Context) -> int:
    async with context.ledger(arguments.ledger) as ledger:
        lines = await ledger.journal(arguments.account)
        if lines is None:
            text = f"the {ledger.name} ledger has no account `{arguments.account}`"
            raise CliError("unknown_account", text, "account")
        units = _Units(ledger)
        entries = [await _entry(line, units) for line in lines]
    context.output.document({"ledger": arguments.ledger, "account": arguments.account, "entries": entries})
    context.output.table(
        ["position", "at", "operation", "asset", "quantity", "balance", "settlement", "reason"],
        [
            (
                entry["position"],
                entry["at"],
                entry["operation"],
                entry["asset"],
                grouped(entry["quantity"]),
                grouped(entry["balance"]),
                entry["settlement_id"],
                entry["reason"],
            )
            for entry in entries
        ],
        right=["position", "quantity", "balance"],
    )
    return 0


async def _entry(line: JournalLine, units: _Units) -> dict[str, Any]:
    return line.model_dump(mode="json") | {
        "quantity": await units.text(line.asset, line.quantity),
        "balance": await units.text(line.asset, line.balance),
    }
