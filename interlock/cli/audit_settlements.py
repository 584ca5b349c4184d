"""`audit search` for settlements: by the trail's indexes, shown as the table that answers the question."""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from interlock.cli.audit_asking import FIRST, LAST, a_duration, counted, matching, one_of, read
from interlock.cli.context import LEDGERS, Context
from interlock.cli.errors import DONE, CliError, UsageError

if TYPE_CHECKING:
    from interlock.audit.searching import Question
    from interlock.audit.story import Story

MOVEMENTS_AT_MOST = 20_000
"""How many movements of an account are looked through; more are refused, and a narrower time asked for."""


async def search_settlements(
    arguments: argparse.Namespace,
    context: Context,
    asked: tuple[datetime | None, datetime | None, str | None],
    limit: int,
) -> int:
    """Find settlements and show them."""
    from interlock.audit.searching import REFUSALS, Cursor, Question, search, within
    from interlock.protocol import Outcome
    from interlock.protocol.words import AccountName, AssetCode

    since, until, party = asked
    asset = read("asset", arguments.asset, matching(AssetCode))
    account = read("account", arguments.account, matching(AccountName))
    outcome = read("outcome", arguments.outcome, one_of([each.value for each in Outcome]))
    after = read("after", arguments.after, Cursor.parse)
    refusal = read("refusal", arguments.refusal, one_of(REFUSALS))
    waited = read("waited-longer-than", arguments.waited_longer_than, a_duration)
    for field in ("amount-min", "amount-max"):
        if getattr(arguments, field.replace("-", "_")) is not None and asset is None:
            raise UsageError(f"--{field} needs --asset: an amount is of an asset", field)
    decimals = await _decimals(context)
    at_least, at_most = _amounts(arguments, asset, decimals)
    question = Question(
        party=party,
        asset=asset,
        at_least=at_least,
        at_most=at_most,
        since=since,
        until=until,
        outcome=Outcome(outcome) if outcome else None,
        refusal=refusal,
        waited=waited,
        dissents=arguments.dissents,
        traces=await _traces(context, account, since, until) if account is not None else None,
    )
    now = datetime.now(UTC)
    async with context.audit() as connections:
        page = await search(connections, question, limit=limit, after=after, now=now, decimals=decimals)
    stories = [within(story, question) for story in page.stories] if question.has_time else list(page.stories)
    context.output.document(
        {"settlements": [_document(story, now) for story in stories], "next": str(page.next) if page.next else None}
    )
    if not context.as_json:
        _tables(context, question, stories, now)
        context.output.line(counted(len(stories), "settlement"))
        if page.next is not None:
            context.output.line(f"there are more: --after {page.next}")
    return DONE


async def _decimals(context: Context) -> dict[str, int]:
    """Each asset's decimals as the ledgers have them; none, and a note, where they cannot be read."""
    from interlock.ledgers.queries import query

    found: dict[str, int] = {}
    try:
        async with context.journals() as journals:
            for ledger in LEDGERS:
                rows = await journals[ledger].connections.rows(query("all_assets"))
                found |= {row["code"]: row["decimals"] for row in rows}
    except CliError as error:
        if error.code != "unreachable":
            raise
        context.output.note(f"the ledgers cannot be read, so amounts are in smallest units: {error.message}")
    return found


def _amounts(
    arguments: argparse.Namespace, asset: str | None, decimals: dict[str, int]
) -> tuple[int | None, int | None]:
    """Smallest units, with the decimals that the ledgers know the asset by."""
    from interlock.protocol.amounts import parse_units

    if asset is None or (arguments.amount_min is None and arguments.amount_max is None):
        return None, None
    if asset not in decimals:
        raise UsageError(f"--asset {asset}: no ledger knows it", "asset")
    least, most = (
        read(field, text, lambda said: parse_units(said, decimals[asset]))
        for field, text in (("amount-min", arguments.amount_min), ("amount-max", arguments.amount_max))
    )
    if least is not None and most is not None and least > most:
        raise UsageError("--amount-max is less than --amount-min: no amount is between them", "amount-max")
    return least, most


async def _traces(context: Context, account: str, since: datetime | None, until: datetime | None) -> tuple[str, ...]:
    """The traces of the terms that moved something on an account in this time."""
    from interlock.audit.searching import traces_of
    from interlock.ledgers.queries import query

    found: dict[str, None] = {}
    known = False
    async with context.journals() as journals:
        for ledger in LEDGERS:
            connections = journals[ledger].connections
            number = await connections.value(query("party_account"), account)
            if number is None:
                continue
            known = True
            rows = await connections.rows(
                query("terms_of_account"), number, since or FIRST, until or LAST, MOVEMENTS_AT_MOST + 1
            )
            if len(rows) > MOVEMENTS_AT_MOST:
                text = f"{account} has more than {MOVEMENTS_AT_MOST:,} movements on the {ledger} ledger"
                raise CliError("too_many", f"{text}: narrow the time by --since and --until", "account")
            found |= dict.fromkeys(row["terms_hash"] for row in rows)
    if not known:
        raise CliError("unknown_account", f"neither ledger has an account `{account}`", "account")
    return traces_of(list(found))


def _document(story: "Story", now: datetime) -> dict[str, Any]:
    document = story.document
    longest = max((wait.seconds(now) for wait in story.waits), default=0.0)
    return document | {"longest_wait_seconds": round(longest, 3)}


def _tables(context: Context, question: "Question", stories: "Sequence[Story]", now: datetime) -> None:
    """The table that answers the question: waits, dissents, a party's acts, else a line for each settlement."""
    from interlock.cli.audit_page import lasting, time

    if question.waited is not None:
        waits = [
            (story.settlement_id, time(wait.since), lasting(wait.seconds(now)), wait.code, wait.text, wait.who)
            for story in stories
            for wait in story.waits
            if wait.seconds(now) > question.waited.total_seconds()
        ]
        context.output.table(["settlement", "since", "waited", "code", "why", "who had to act"], waits)
        return
    if question.dissents:
        dissents = [
            (story.settlement_id, time(act.until), act.step, act.what) for story in stories for act in story.dissents
        ]
        context.output.table(["settlement", "time", "asked", "dissent"], dissents)
        return
    if question.party is not None and question.has_time:
        context.output.table(["time", "settlement", "as", "what"], _acts_of(question.party, stories))
        return
    context.output.table(
        ["settlement", "began", "outcome", "delivery", "payment", "terms"],
        [
            (
                story.settlement_id,
                time(story.beginning) if story.beginning else "",
                story.state,
                _leg(story, "delivery"),
                _leg(story, "payment"),
                story.terms_hash[:18],
            )
            for story in stories
        ],
    )


def _acts_of(party: str, stories: "Sequence[Story]") -> list[tuple[str, str, str, str]]:
    """What a party did, and what moved for it, oldest first; a settlement without either is named all the same."""
    from interlock.cli.audit_page import time

    rows = []
    for story in stories:
        side = "seller" if story.seller == party else "buyer"
        acts = [act for act in story.acts if side in act.sides]
        rows += [(time(act.until), story.settlement_id, side, act.what) for act in acts]
        if not acts:
            at = time(story.beginning) if story.beginning else ""
            rows.append((at, story.settlement_id, side, f"nothing moved; {story.state}"))
    return sorted(rows)


def _leg(story: "Story", name: str) -> str:
    leg = story.delivery if name == "delivery" else story.payment
    return leg.amount if leg is not None else ""
