"""A trade in one line for people, and amounts as they read them. For showing only: nothing is decided by it."""

from interlock.protocol.amounts import format_units, grouped
from interlock.protocol.terms import Leg, Terms

LONGEST_SUMMARY = 200
"""Temporal refuses summaries of more than 400 bytes, and a refused one would stop a settlement."""

CLIENT_DETAILS = (
    "The summary was written by whoever started this run, and is verified by nobody. "
    "What the settlement itself knows stands under Current Details."
)
"""Shown beside the summary: it is set before any signature is checked."""

_SHOWN_DECIMALS = 2


def amount_of(leg: Leg) -> str:
    """The leg's quantity in whole units, exact, with separators and at least two decimals if the asset has them."""
    whole, _, part = format_units(leg.quantity, leg.asset.decimals).partition(".")
    part = part.ljust(min(_SHOWN_DECIMALS, leg.asset.decimals), "0")
    return grouped(f"{whole}.{part}" if part else whole)


def summary_of(terms: Terms) -> str:
    """ "OUSG 2,500.00 for USD 285,000.00, ALPINE to NORTHBANK"; what is too long loses names, then amounts, whole."""
    delivery, payment = terms.delivery, terms.payment
    units, cash = (f"{leg.asset.code} {amount_of(leg)}" for leg in (delivery, payment))
    whole = f"{units} for {cash}, {delivery.deliverer.upper()} to {delivery.receiver.upper()}"
    candidates = (whole, f"{units} for {cash}", f"{delivery.asset.code} for {payment.asset.code}, large amounts")
    return next(line for line in candidates if len(line) <= LONGEST_SUMMARY)
