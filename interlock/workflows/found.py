"""By what settlements are found: their search attributes, and which of them have changed. Sends nothing itself.

They are for finding only, are readable by everybody who may list, and lag: `status` never relies on them.
"""

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from interlock.protocol import SignedTerms
from interlock.protocol.amounts import format_units
from interlock.protocol.instructions import SettlementStart
from interlock.protocol.names import (
    AMOUNT,
    AMOUNT_APPROX,
    ASSET,
    OUTCOME,
    PARTIES,
    SETTLE_BY,
    SETTLEMENT_ID,
    STAGE,
    SUSPENDED,
    TERMS_HASHES,
    WAITING_FOR,
)
from interlock.workflows.progress import Progress

LARGEST_APPROX = 10**15
"""An SQL-backed cluster keeps a Double as DECIMAL(20,5), and could not index a settlement with a larger one."""

Wanted = list[tuple[SearchAttributeKey[Any], Any]]


def attributes_of(start: SettlementStart, progress: Progress) -> Wanted:
    """Every attribute with its value; None for one that is to be absent."""
    known = [progress.subject, *progress.proposals]
    hashes = list(dict.fromkeys(signed.terms_hash for signed in known if signed is not None))
    found: Wanted = [
        (SearchAttributeKey.for_keyword(SETTLEMENT_ID), start.settlement_id),
        (SearchAttributeKey.for_keyword_list(PARTIES), [start.seller, start.buyer]),
        (SearchAttributeKey.for_keyword_list(TERMS_HASHES), hashes),
        (SearchAttributeKey.for_keyword(STAGE), progress.stage.value),
        (SearchAttributeKey.for_keyword(OUTCOME), progress.outcome.value if progress.outcome else None),
        (SearchAttributeKey.for_keyword(WAITING_FOR), progress.blocker.code if progress.blocker else None),
        (SearchAttributeKey.for_bool(SUSPENDED), progress.suspended),
    ]
    if progress.subject is not None:
        terms = progress.subject.terms
        delivery = terms.delivery
        amount = format_units(delivery.quantity, delivery.asset.decimals)
        approx = float(amount)
        found += [
            (SearchAttributeKey.for_keyword(ASSET), delivery.asset.code),
            (SearchAttributeKey.for_keyword(AMOUNT), amount),
            (SearchAttributeKey.for_float(AMOUNT_APPROX), approx if approx < LARGEST_APPROX else None),
            (SearchAttributeKey.for_datetime(SETTLE_BY), terms.settle_by),
        ]
    return found


def initial_attributes(start: SettlementStart, proposed: SignedTerms) -> TypedSearchAttributes:
    """What a run is found by from its start, before it has looked at the proposal that it is started with."""
    wanted = attributes_of(start, Progress(proposals=[proposed]))
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in wanted if value is not None])


def changed(wanted: Wanted, shown: TypedSearchAttributes) -> list[SearchAttributeUpdate[Any]]:
    """The updates that bring what is shown to what is wanted; none if nothing differs."""
    updates: list[SearchAttributeUpdate[Any]] = []
    for key, value in wanted:
        if shown.get(key) == value:
            continue
        updates.append(key.value_unset() if value is None else key.value_set(value))
    return updates
