"""Whether a proof's spans are one trace that agrees with its entries, and whether every entry's attempt is in it. Pure.

What is missing is not proven; what contradicts an entry is untrue.
"""

from interlock.proof.authority import entry_named
from interlock.proof.format import Proof
from interlock.proof.records import SpanRecord
from interlock.proof.report import Untrue
from interlock.protocol import trace_id_of
from interlock.protocol.reports import root_span_id_of


def trail(proof: Proof) -> str:
    """Why the trace is not whole; Untrue if a span is of another, stands twice, or tells otherwise than the entries."""
    trace_id, root_id = trace_id_of(proof.terms_hash), root_span_id_of(proof.terms_hash)
    ids: set[str] = set()
    known = (*proof.entries, *proof.foundations)  # a settlement that accuses an attestor has receipts of that too
    entries = {(each.record.reference, each.record.position) for each in known}
    for each in proof.spans:
        span = each.record
        if span.trace_id != trace_id:
            raise Untrue(f"{span_named(span)} is of another trace than the terms have")
        if span.span_id in ids:
            raise Untrue(f"{span_named(span)} stands twice")
        ids.add(span.span_id)
        if (span.parent_span_id is None) != (span.span_id == root_id):
            raise Untrue(f"{span_named(span)} stands where the root of the trace should, or the root elsewhere")
        _require_agreeing(span, proof, entries)
    if root_id not in ids:
        return "the root of the trace is not there: the settlement's end is not recorded"
    for each in proof.spans:
        if (parent := each.record.parent_span_id) is not None and parent not in ids:
            return f"{span_named(each.record)} hangs on span {parent}, which is not there"
    return ""


def _require_agreeing(span: SpanRecord, proof: Proof, entries: set[tuple[str, int]]) -> None:
    if span.says("interlock.terms.hash") not in (None, proof.terms_hash):
        raise Untrue(f"{span_named(span)} tells of other terms")
    reference, position = span.says("interlock.receipt.reference"), span.says("interlock.receipt.position")
    if reference is not None and (reference, position) not in entries:
        raise Untrue(f"{span_named(span)} tells of entry {position}, which is not in the file")
    said = span.says("interlock.outcome")
    if said is not None and proof.outcome is not None and said != proof.outcome:
        raise Untrue(f"{span_named(span)} says {said}, and the entries say {proof.outcome}")


def attempts(proof: Proof) -> str:
    """Why not every entry's attempt can be seen; Untrue if an entry's own span tells of another entry."""
    spans = {each.record.span_id: each.record for each in proof.spans}
    trace_id = trace_id_of(proof.terms_hash)
    missing = []
    for each in proof.entries:
        record = each.record
        if record.trace_id != trace_id:
            continue  # made by hand, outside of the settlement's workflow: there is no span to be seen
        span = spans.get(record.span_id)
        if span is None:
            missing.append(entry_named(each))
        elif span.says("interlock.receipt.reference") not in (None, record.reference):
            raise Untrue(f"the attempt that {entry_named(each)} names, {span_named(span)}, tells of another entry")
    return f"the spans of these attempts are not there: {', '.join(missing)}" if missing else ""


def span_named(span: SpanRecord) -> str:
    """A span in words."""
    return f"span {span.span_id} ({span.name})"
