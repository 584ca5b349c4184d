"""`audit search --operators`: what operators signed, from the ledgers' journals, newest first."""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from interlock.cli.audit_asking import counted, matching, read
from interlock.cli.context import LEDGERS, Context
from interlock.cli.errors import DONE, UsageError

if TYPE_CHECKING:
    from interlock.audit.journals import Journal

_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})-([a-z][a-z0-9-]*)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1


async def search_operators(
    arguments: argparse.Namespace, context: Context, asked: tuple[datetime, datetime, str | None], limit: int
) -> int:
    """Find operators' acts and show them."""
    from interlock.protocol.words import AccountName, AssetCode

    for field in ("outcome", "refusal", "waited-longer-than", "amount-min", "amount-max"):
        if getattr(arguments, field.replace("-", "_")) is not None:
            raise UsageError(f"--{field} is of settlements: give it without --operators", field)
    if arguments.dissents:
        raise UsageError("--dissents is of settlements: give it without --operators", "dissents")
    account = read("account", arguments.account, matching(AccountName))
    asset = read("asset", arguments.asset, matching(AssetCode))
    after = read("after", arguments.after, _cursor)
    found: list[tuple[tuple[datetime, str, int], dict[str, Any]]] = []
    async with context.journals() as journals:
        for ledger in LEDGERS:
            found += await _acts(journals[ledger], (*asked, account, asset), after, limit + 1)
    found.sort(key=lambda each: each[0], reverse=True)
    shown, more = [act for _, act in found[:limit]], len(found) > limit
    cursor = _cursor_text(found[limit - 1][0]) if more else None
    context.output.document({"acts": shown, "next": cursor})
    if not context.as_json:
        _table_of_acts(context, shown)
        context.output.line(counted(len(shown), "operators' act"))
        if cursor is not None:
            context.output.line(f"there are more: --after {cursor}")
    return DONE


def _cursor(text: str) -> tuple[datetime, str, int]:
    match = _CURSOR.fullmatch(text)
    if match is None or match[3] not in LEDGERS:
        raise ValueError("not a cursor: use what the page before said is next")
    return _EPOCH + timedelta(microseconds=int(match[1])), match[3], int(match[2])


def _cursor_text(key: tuple[datetime, str, int]) -> str:
    at, ledger, position = key
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}-{position}-{ledger}"


async def _acts(
    journal: "Journal",
    asked: tuple[datetime, datetime, str | None, str | None, str | None],
    after: tuple[datetime, str, int] | None,
    limit: int,
) -> list[tuple[tuple[datetime, str, int], dict[str, Any]]]:
    from interlock.ledgers.queries import query

    moment, position = None, 0
    if after is not None:
        moment, named, position = after
        if journal.name != named:  # of one moment, the ledger of the later name comes first
            position = _LARGEST if journal.name < named else 0
    rows = await journal.connections.rows(query("acts_of_operators"), *asked, moment, position, limit)
    return [
        ((row["at"], journal.name, row["position"]), _act(journal.name, dict(row), json.loads(row["authority"])))
        for row in rows
    ]


def _act(ledger: str, row: dict[str, Any], relied: dict[str, Any]) -> dict[str, Any]:
    from interlock.protocol.records import moment

    operation = row["operation"]
    if operation == "void":
        signed = relied["authority"]["order"]
    elif operation == "release":
        signed = relied["redirection"]
    else:
        signed = relied
    order = signed.get("order") or signed.get("redirection") or {}
    return {
        "at": moment(row["at"]),
        "ledger": ledger,
        "position": row["position"],
        "operation": operation,
        "operators": [each["signer"] for each in signed.get("signatures", ())],
        "reason": row["reason"],
        "settlement_id": row["settlement_id"],
        "terms_hash": row["terms_hash"],
        "order_digest": row["order_digest"],
        "actor": row["actor"],
        "order": {name: value for name, value in order.items() if name not in ("nonce", "reason")},
    }


def _table_of_acts(context: Context, acts: Sequence[dict[str, Any]]) -> None:
    rows = []
    for act in acts:
        about = act["settlement_id"] or act["terms_hash"] or ""
        order = act["order"]
        subject = order.get("account") or order.get("receiver") or order.get("name") or about
        names = [context.keystore.name_of(each) or each for each in act["operators"]]
        rows.append((act["at"], act["ledger"], act["operation"], subject, ", ".join(names), act["reason"]))
    context.output.table(["time", "ledger", "act", "about", "signed by", "reason"], rows)
