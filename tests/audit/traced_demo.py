"""`make traced-demo`: plays the whole demo before an OTLP receiver, once by gRPC and once by HTTP, and compares.

For every scenario: one trace with the documented tree, what was received is what is stored, and every entry of a ledger
has the span that made it, also where a process died with it. It breaks nothing; the demo does.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from interlock.audit.completeness import TraceResult
from interlock.audit.reader import SpanReader
from interlock.audit.spans import StoredSpan, trees_of
from interlock.protocol.reports import root_span_id_of, trace_id_of
from interlock.stack.identity import identity_of
from interlock.stack.ports import LOOPBACK
from tests.audit.receivers import Received, grpc_receiver, http_receiver
from tests.audit.trees import TO_PAID, VOIDED, ids, steps_forward
from tests.chaos.whole import judged_traces

RECEIVERS = {"grpc": grpc_receiver, "http/protobuf": http_receiver}
PLAYED_WITHIN_SECONDS = 400.0
QUIET_SECONDS = 3.0
RESTS_WITHIN_SECONDS = 30.0
WHOLE_WITHIN_SECONDS = 90.0

OTHER_TERMS = "terms-differ"
"""The scenario with a proposal that never matches: a trace of its own, whose root says so."""
STRANGERS = "squatter's own"
"""The settlement of the same id that the scenario squatter's stranger proposes to the seller, and withdraws."""
BESIDE = {"lock of", "verdict of", "recover", "resume delivery", "resume payment"}
"""Steps that bring nothing forward: they read what stands, or have somebody else look again."""
REFUNDED = [step for step in VOIDED if step not in BESIDE]
BY_OUTCOME = {"SETTLED": [*TO_PAID, "attest PAID", "release"], "EXPIRED": REFUNDED, "CANCELLED": REFUNDED}
OTHERWISE: dict[str, list[str]] = {
    "never-matched": [],
    "withdrawn": [],
    STRANGERS: [],
    "not-admitted": ["check payment"],
    "units-never-arrive": [step for step in REFUNDED if step not in ("lock", "attest LOCKED")],
    "no-quorum": [step for step in REFUNDED if step != "attest LOCKED"],
}
ALSO = {"terminated": "recover", "expelled-after-payment": "resume delivery"}
OTHER_TRADE = "forged-release-other"
"""A trade that the scenario forged-release settles beside its own."""

Spans = dict[tuple[str, str], StoredSpan]


@asynccontextmanager
async def demo(folder: Path, endpoint: str, protocol: str) -> AsyncIterator[dict[str, Any]]:
    """The demo's document, for as long as its stack stays up."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    told = {
        "TMPDIR": str(folder),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_BSP_SCHEDULE_DELAY": "50",  # as often as the audit trail is written
    }
    command = [sys.executable, "-m", "interlock.cli.main", "demo", "--keep", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, env=inherited | told, stdout=asyncio.subprocess.PIPE, limit=2**24
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PLAYED_WITHIN_SECONDS):
            document = await process.stdout.readline()
        yield json.loads(document)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()


def readers(folder: Path) -> tuple[str, dict[str, str]]:
    """Connection strings of those who may read the audit database and the ledgers of the demo in this folder."""
    (data,) = folder.glob("interlock-demo-*")
    port = json.loads((data / "ports.json").read_text())["postgres"]
    password = identity_of(data / "identity.json").passwords["audit_reader"]
    audit = f"postgresql://audit_reader:{password}@{LOOPBACK}:{port}/audit?sslmode=disable"
    ledgers = json.loads((data / "ledgers.json").read_text())
    return audit, {name: each["reader"] for name, each in ledgers.items()}


async def at_rest(folder: Path, received: Received) -> tuple[Spans, list[dict[str, Any]], TraceResult]:
    """What is stored, once neither side has changed for a while; the ledgers' entries; what the judge says."""
    dsn, ledgers = readers(folder)
    judged = await judged_traces({"audit": dsn, **ledgers}, within=WHOLE_WITHIN_SECONDS)
    connection = await asyncpg.connect(dsn)
    loop = asyncio.get_running_loop()
    since, before, latest = loop.time(), (0, 0), loop.time() + RESTS_WITHIN_SECONDS
    while loop.time() < min(since + QUIET_SECONDS, latest):
        now = (await connection.fetchval("SELECT count(*) FROM audit.spans"), len(received.spans))
        if now != before:
            since, before = loop.time(), now
        await asyncio.sleep(0.2)
    traces = await connection.fetch("SELECT DISTINCT trace_id FROM audit.spans")
    await connection.close()
    async with await SpanReader.connect(dsn) as reader:
        stored = {ids(span): span for row in traces for span in await reader.spans_of(row["trace_id"])}
    entries = []
    for ledger in ledgers.values():
        connection = await asyncpg.connect(ledger)
        rows = await connection.fetch("SELECT * FROM ledger.entries WHERE terms_hash IS NOT NULL")
        entries += [dict(row) for row in rows]
        await connection.close()
    return stored, entries, judged


def tree_objections(scenario: str, outcome: str, spans: Iterable[StoredSpan]) -> list[str]:
    """How a settlement's spans are not what docs/tracing.md says."""
    traces: dict[str, list[StoredSpan]] = defaultdict(list)
    for span in spans:
        traces[span.trace_id].append(span)
    wrong: list[str] = []
    rooted = 0
    for trace_id, its in traces.items():
        hashes = {span.attributes["interlock.terms.hash"] for span in its}
        terms_hash = next(iter(hashes))
        if len(hashes) > 1 or trace_id_of(terms_hash) != trace_id:
            wrong.append(f"trace {trace_id} speaks of terms {sorted(hashes)}")
        root_id = root_span_id_of(terms_hash)
        if any(span.parent_span_id not in ({None} if span.span_id == root_id else {root_id}) for span in its):
            wrong.append(f"trace {trace_id} has a span that is not under the derived root")
        tops = trees_of(its)
        if len(tops) != 1 or (root := tops[0].span).name != "settlement" or root.span_id != root_id:
            wrong.append(f"trace {trace_id} has no root: {[span.name for span in its]}")
        elif "interlock.unmatched" not in root.attributes:
            rooted += 1
            wrong += story_objections(scenario, outcome, root, its)
        elif scenario != OTHER_TERMS or not {span.name for span in its} - {"settlement"} <= BESIDE:
            wrong.append(f"trace {trace_id} is of a proposal: {[span.name for span in its]}")
    return wrong if rooted == 1 else [*wrong, f"{rooted} traces with a root"]


def story_objections(scenario: str, outcome: str, root: StoredSpan, spans: Sequence[StoredSpan]) -> list[str]:
    """How the steps under a root, or the root's outcome, are not what the scenario tells."""
    wrong = []
    if root.attributes["interlock.outcome"] != outcome:
        wrong.append(f"the root says {root.attributes['interlock.outcome']}")
    if scenario in ALSO and ALSO[scenario] not in {span.name for span in spans}:
        wrong.append(f"no {ALSO[scenario]}")
    answered = [span for span in spans if span.attributes.get("interlock.answer") != "fault"]
    steps = steps_forward(answered, but=BESIDE)
    expected = OTHERWISE.get(scenario, BY_OUTCOME.get(outcome, []))
    if steps != expected:
        wrong.append(f"the steps are {steps}")
    return wrong


def differing(stored: Spans, received: Spans) -> list[str]:
    """Spans that differ, or that one side alone has.

    Of a span that was sent and went down before it was stored the receiver has both: that one, and the one made again.
    """
    both = stored | received
    wrong = [
        f"{span.name} differs"
        for key, span in stored.items()
        if key in received and span != received[key] and "interlock.reconstructed" not in span.attributes
    ]
    only = {key: "stored" if key in stored else "received" for key in stored.keys() ^ received.keys()}
    return wrong + [f"{both[key].name} was only {where}" for key, where in only.items()]


def entry_objections(entries: Iterable[Mapping[str, Any]], stored: Spans) -> list[str]:
    """Entries of a ledger that no stored span made."""
    wrong = []
    for entry in entries:
        span = stored.get((entry["trace_id"], entry["span_id"]))
        if span is None or span.attributes["interlock.terms.hash"] != entry["terms_hash"]:
            wrong.append(f"no span made the entry {entry['operation']}")
    return wrong


def compare(
    document: Mapping[str, Any], stored: Spans, received: Spans, entries: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Print the table; the deviations, in words."""
    everything = stored | received
    (buyer,) = {span.attributes["interlock.buyer"] for span in everything.values() if _id(span).endswith("-STORY")}
    strange = {span.trace_id for span in everything.values() if span.attributes.get("interlock.buyer", buyer) != buyer}

    def of(name: str, settlement_id: str, spans: Spans) -> Spans:
        its = {key: span for key, span in spans.items() if _id(span) == settlement_id}
        return {key: span for key, span in its.items() if (key[0] in strange) == (name == STRANGERS)}

    trades = {each["name"]: (each["settlement_id"], str(each["outcome"])) for each in document["scenarios"]}
    trades[OTHER_TRADE] = (f"{trades['forged-release'][0]}-OTHER", "SETTLED")
    trades[STRANGERS] = (trades["squatter"][0], "CANCELLED")
    known = {settlement_id for settlement_id, _ in trades.values()}
    spoken_of = {_id(span) for span in everything.values()}
    deviations = [f"nobody knows settlement {each}" for each in sorted(spoken_of - known)]
    print(f"{'scenario':24}{'outcome':11}{'traces':>6}{'spans':>7}  {'tree ok':9}{'entries':>8}  received = stored")
    for name, (settlement_id, outcome) in trades.items():
        its_stored, its_received = of(name, settlement_id, stored), of(name, settlement_id, received)
        its_entries = [each for each in entries if each["settlement_id"] == settlement_id and name != STRANGERS]
        trees = tree_objections(name, outcome, its_stored.values())
        made = entry_objections(its_entries, its_stored)
        unequal = differing(its_stored, its_received)
        again = [span.name for span in its_stored.values() if "interlock.reconstructed" in span.attributes]
        said = "no" if unequal else f"yes; made again: {', '.join(sorted(again))}" if again else "yes"
        count = f"{len({trace_id for trace_id, _ in its_stored}):6}{len(its_stored):7}"
        print(f"{name:24}{outcome:11}{count}  {'no' if trees else 'yes':9}{len(its_entries):8}  {said}")
        deviations += [f"{name}: {text}" for text in (*trees, *made, *unequal)]
    return deviations


def _id(span: StoredSpan) -> str:
    return str(span.attributes["interlock.settlement.id"])


async def played(protocol: str) -> list[str]:
    """The deviations of one demo, traced by this protocol."""
    received = Received()
    with tempfile.TemporaryDirectory(prefix="traced-demo-") as name:
        async with RECEIVERS[protocol](received) as endpoint, demo(Path(name), endpoint, protocol) as document:
            stored, entries, judged = await at_rest(Path(name), received)
    print(f"\n{protocol}: {len(received.spans)} spans received, {len(stored)} stored\n")
    deviations = [*compare(document, stored, received.spans, entries), *judged.violations]
    print(f"\n{judged.complete} of {judged.settlements} traces complete, {judged.reconstructed} spans made again")
    return deviations if document["ok"] else [*deviations, "the demo did not end as told"]


def main() -> int:
    """Exit 1 on any deviation. Arguments: the protocols, one demo each; both if none is named."""
    deviations = [f"{each}: {text}" for each in sys.argv[1:] or RECEIVERS for text in asyncio.run(played(each))]
    print("\n" + ("\n".join(deviations) if deviations else "No deviation."))
    return 1 if deviations else 0


if __name__ == "__main__":
    sys.exit(main())
