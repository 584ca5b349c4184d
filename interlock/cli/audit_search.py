"""`audit search`: the settlements that a question is about, newest first. All that is asked must be so.

  everything a party did on a day            audit search --party alpine --day 2026-11-24
  what waited longer than ten minutes, why   audit search --waited-longer-than 10m
  every dissent of an attestor               audit search --dissents
  every act of operators                     audit search --operators

Times and days are UTC; a settlement is of a time in which something of it was tried. With --account, the time is that
of the account's movements; with --operators, --party is an operator who signed and --account the account that was
ordered.
"""

import argparse
from typing import Any

from interlock.cli.audit_asking import FIRST, LAST, LIMIT, MOST, a_limit, a_party, read, times
from interlock.cli.audit_operators import search_operators
from interlock.cli.audit_settlements import search_settlements
from interlock.cli.context import Context


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
    since, until = times(arguments)
    limit = read("limit", arguments.limit, a_limit) or LIMIT
    party = read("party", arguments.party, lambda text: a_party(context, text))
    if arguments.operators:
        return await search_operators(arguments, context, (since or FIRST, until or LAST, party), limit)
    return await search_settlements(arguments, context, (since, until, party), limit)
