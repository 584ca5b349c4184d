"""Tells a settlement's story: who did what, when, on whose authority; what was refused, waited for, tried again.

Pure: from the spans of one trace, and the entries of both ledgers' journals for the same terms where those can be read.
Decides nothing, and verifies no signature and no seal.
"""

from collections.abc import Mapping, Sequence

from interlock.audit.acts_of_entries import acts_of_entries
from interlock.audit.acts_of_spans import acts_of_events, acts_of_steps
from interlock.audit.spans import StoredSpan
from interlock.audit.story import LANES, Story
from interlock.audit.trade import Decimals, Entries, SetSizes, Trade
from interlock.audit.waits import waits_in
from interlock.protocol.reports import trace_id_of

_STATES = {"release": "SETTLED", "refund": "refunded", "pay": "PAID", "void": "VOIDED", "lock": "LOCKED"}


def tell(
    terms_hash: str,
    spans: Sequence[StoredSpan],
    entries: Entries = (),
    sizes: SetSizes | None = None,
    decimals: Decimals | None = None,
) -> Story:
    """The story of these terms. `entries` are records of the ledgers' journals, each with its ledger's name."""
    spans = sorted(spans, key=lambda span: (span.end_ns, span.span_id))
    entries = sorted(entries, key=lambda each: (each[1]["at"], each[1]["position"]))
    root = next((span for span in spans if span.parent_span_id is None), None)
    steps = [span for span in spans if span.parent_span_id is not None]
    trade = Trade(spans, entries, sizes or {}, decimals or {})
    said = root.attributes if root else {}
    outcome, unmatched = said.get("interlock.outcome"), said.get("interlock.unmatched")
    acts = [
        *acts_of_entries(trade, entries, steps),
        *acts_of_steps(trade, entries, steps),
        *acts_of_events(trade, root, steps),
    ]
    return Story(
        settlement_id=trade.settlement_id,
        terms_hash=terms_hash,
        trace_id=trace_id_of(terms_hash),
        seller=trade.seller,
        buyer=trade.buyer,
        state=outcome or (f"never matched: {unmatched}" if unmatched else _state(entries, steps)),
        outcome=outcome,
        settle_by=str(said.get("interlock.settle_by") or (trade.terms or {}).get("settle_by") or ""),
        delivery=trade.delivery,
        payment=trade.payment,
        reason=str(said.get("interlock.refusal.text") or _instead(said)),
        ended=root is not None,
        acts=tuple(sorted(acts, key=lambda act: (act.until, LANES.index(act.lane)))),
        waits=tuple(waits_in(root, steps)),
        entries=len(entries),
    )


def _instead(said: Mapping[str, object]) -> str:
    instead = said.get("interlock.instead")
    return f"terms {instead} were matched in their place" if instead else ""


def _state(entries: Entries, steps: Sequence[StoredSpan]) -> str:
    """How far it came, where no root says how it ended."""
    done = {record["operation"] for _, record in entries} | {
        span.name for span in steps if span.attributes.get("interlock.answer") == "receipt"
    }
    return next((state for operation, state in _STATES.items() if operation in done), "open")
