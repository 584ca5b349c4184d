"""`audit search`: the settlements that a question is about, newest first. All that is asked must be so.

  everything a party did on a day            audit search --party alpine --day 2026-11-24
  what waited longer than ten minutes, why   audit search --waited-longer-than 10m
  every dissent of an attestor               audit search --dissents
  every act of operators                     audit search --operators

Times and days are UTC; a settlement is of a time in which something of it was tried. With --account, the time is that
of the account's movements; with --operators, --party is an operator who signed and --account the account that was
ordered.
"""

# ruff: noqa: PLC0415 - the audit room needs the server's extra

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from interlock.cli.context import LEDGERS, Context
from interlock.cli.errors import DONE, CliError, UsageError

if TYPE_CHECKING:
    from interlock.audit.journals import Journal
    from interlock.audit.searching import Question
    from interlock.audit.story import Story

LIMIT, MOST = 50, 1000
MOVEMENTS_AT_MOST = 20_000
"""How many movements of an account are looked through; more are refused, and a narrower time asked for."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
_ORDER_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})-([a-z][a-z0-9-]*)")
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
T = TypeVar("T")


def configure(acts: Any) -> None:
    """Add `search`."""
    parser = acts.add_parser(
        "search",
        help="the settlements that a question is about",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, metavar, text in (
        ("party", "A", "seller or buyer: an address, or a key's name in the data folder"),
        ("account", "NAME", "an account on which something moved"),
        ("asset", "CODE", "an asset of either leg"),
        ("amount-min", "N", "at least so much of --asset, in whole units"),
        ("amount-max", "N", "at most so much of --asset, in whole units"),
        ("since", "T", "from this time on: 2026-11-24 or 2026-11-24T09:30:00Z"),
        ("until", "T", "before this time"),
        ("day", "D", "on this UTC day: 2026-11-24"),
        ("outcome", "O", "SETTLED, CANCELLED, EXPIRED or REJECTED"),
        ("refusal", "CODE", "in which an attempt was refused so; `unreachable` for one that failed"),
        ("waited-longer-than", "T", "with a single wait of more than T: 500ms, 30s, 10m, 2h, 1d"),
        ("after", "CURSOR", "the next page: what the page before said"),
    ):
        parser.add_argument(f"--{name}", metavar=metavar, help=text)
    parser.add_argument("--limit", metavar="N", default=str(LIMIT), help=f"how many at most ({LIMIT}; up to {MOST})")
    parser.add_argument("--dissents", action="store_true", help="in which an attestor did not sign with the others")
    parser.add_argument("--operators", action="store_true", help="operators' acts, from the ledgers' journals")
    parser.set_defaults(call=_search)


async def _search(arguments: argparse.Namespace, context: Context) -> int:
    since, until = _times(arguments)
    limit = _read("limit", arguments.limit, _limit) or LIMIT
    party = _read("party", arguments.party, lambda text: _party(context, text))
    if arguments.operators:
        return await _operators(arguments, context, (since or _FIRST, until or _LAST, party), limit)
    return await _settlements(arguments, context, (since, until, party), limit)


# what was asked


def _read(field: str, text: str | None, reading: Callable[[str], T]) -> T | None:
    """What an option says; a usage error that names it and says why not."""
    if text is None:
        return None
    try:
        return reading(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--{field} {text}: {error}", field) from error


def _times(arguments: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    from interlock.audit.searching import day_of

    if arguments.day is not None:
        if arguments.since is not None or arguments.until is not None:
            raise UsageError("--day is a time already: give it without --since and --until", "day")
        found = _read("day", arguments.day, day_of)
        assert found is not None  # noqa: S101 - there was a day to read
        return found
    since, until = _read("since", arguments.since, _moment), _read("until", arguments.until, _moment)
    if since is not None and until is not None and since >= until:
        raise UsageError("--until is not after --since: nothing is between them", "until")
    return since, until


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time is written as 2026-11-24 or 2026-11-24T09:30:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not _FIRST <= moment < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError("a time lies between the years 2000 and 2200")
    return moment


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST and len(text) <= 9):
        raise ValueError(f"a number from 1 to {MOST}")
    return int(text)


def _party(context: Context, text: str) -> str:
    from interlock.client.keystore import KeystoreError

    try:
        return context.keystore.resolve(text)
    except KeystoreError as error:
        raise ValueError(str(error)) from error


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a number and ms, s, m, h or d: 500ms, 30s, 10m, 2h, 1d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > 100 * 365 * _UNITS["d"]:
        raise ValueError("a duration is at most a hundred years")
    return timedelta(seconds=seconds)


def _one_of(known: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"it is one of {', '.join(known)}")
        return text

    return read


def _matching(kind: Any) -> Callable[[str], str]:
    def read(text: str) -> str:
        from pydantic import TypeAdapter, ValidationError

        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["msg"])) from error

    return read


# settlements


async def _settlements(
    arguments: argparse.Namespace,
    context: Context,
    asked: tuple[datetime | None, datetime | None, str | None],
    limit: int,
) -> int:
    from interlock.audit.searching import REFUSALS, Cursor, Question, search, within
    from interlock.protocol import Outcome
    from interlock.protocol.words import AccountName, AssetCode

    since, until, party = asked
    asset = _read("asset", arguments.asset, _matching(AssetCode))
    account = _read("account", arguments.account, _matching(AccountName))
    outcome = _read("outcome", arguments.outcome, _one_of([each.value for each in Outcome]))
    after = _read("after", arguments.after, Cursor.parse)
    refusal = _read("refusal", arguments.refusal, _one_of(REFUSALS))
    waited = _read("waited-longer-than", arguments.waited_longer_than, _duration)
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
        context.output.line(_counted(len(stories), "settlement"))
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
        _read(field, text, lambda said: parse_units(said, decimals[asset]))
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
                query("terms_of_account"), number, since or _FIRST, until or _LAST, MOVEMENTS_AT_MOST + 1
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


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _leg(story: "Story", name: str) -> str:
    leg = story.delivery if name == "delivery" else story.payment
    return leg.amount if leg is not None else ""


# operators


async def _operators(
    arguments: argparse.Namespace, context: Context, asked: tuple[datetime, datetime, str | None], limit: int
) -> int:
    from interlock.protocol.words import AccountName, AssetCode

    for field in ("outcome", "refusal", "waited-longer-than", "amount-min", "amount-max"):
        if getattr(arguments, field.replace("-", "_")) is not None:
            raise UsageError(f"--{field} is of settlements: give it without --operators", field)
    if arguments.dissents:
        raise UsageError("--dissents is of settlements: give it without --operators", "dissents")
    account = _read("account", arguments.account, _matching(AccountName))
    asset = _read("asset", arguments.asset, _matching(AssetCode))
    after = _read("after", arguments.after, _order_cursor)
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
        context.output.line(_counted(len(shown), "operators' act"))
        if cursor is not None:
            context.output.line(f"there are more: --after {cursor}")
    return DONE


def _order_cursor(text: str) -> tuple[datetime, str, int]:
    match = _ORDER_CURSOR.fullmatch(text)
    if match is None or match[3] not in LEDGERS:
        raise ValueError("not a cursor: use what the page before said is next")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(match[1])), match[3], int(match[2])


def _cursor_text(key: tuple[datetime, str, int]) -> str:
    at, ledger, position = key
    return f"{(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)}-{position}-{ledger}"


async def _acts(
    journal: "Journal",
    asked: tuple[datetime, datetime, str | None, str | None, str | None],
    after: tuple[datetime, str, int] | None,
    limit: int,
) -> list[tuple[tuple[datetime, str, int], dict[str, Any]]]:
    import json

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
