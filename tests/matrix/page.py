"""docs/crash-matrix.md, from finished cells: step by fault, what each column does, and how it was produced."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.matrix.campaign import Place, Result
from tests.matrix.faults import COLUMNS, TABLES, Fault
from tests.matrix.steps import STEPS

_BOTH, _NEITHER = "●", "○"

_HEAD = """\
# The crash matrix

Every step of a settlement, times everything that may go wrong while it is carried out: {count} cells. In each, a real
settlement on a real Temporal and a real Postgres, with four attestor processes and a worker process, is stopped at
exactly that step, and the fault is brought about from outside: by signals, by a gate between the processes, by a line
between the worker and its ledgers. Then the end is judged from the two ledgers alone: the lock's row, the verdict's
row, and every effect on the four accounts, each of which must be there exactly once or not at all. In all {count}
cells both legs moved, or neither did; and the invariants of all ledgers that were used held at the end.

Half of them had ended {median:.1f} s after the fault struck, the last one {slowest:.0f} s after it ({slowest_at}).

| | |
|---|---|
| {both} | settled: the units are with the buyer, the cash is with the seller |
| {neither} cancelled | neither moved: both parties' consent or two operators voided it |
| {neither} expired | neither moved: settle_by voided it |
| {neither} rejected | neither moved: a ledger said no before anything was locked |
| seconds | from the fault until ledgers and workflow have ended; how long the fault itself lasts is part of it |

An attempt whose worker is gone is given up by the engine after 15 s: most of what takes longer than a moment waits for
that. *match* is stopped where it asks the asset ledger what stands for the terms, *check* where it asks whether the
ledger would lock: they write nothing, so their effect is to have looked. The effect of *attest* is the attestors'
votes.
"""

_LATE = """\
After the verdict there is no other end. In the rows from *attest PAID* on, what would lead there is asked for while the
attempt is on its way (the other verdict; a release on a VOIDED certificate; a refund on a PAID one), and refused; then
it lands, and changes nothing.
"""
_ATTESTORS = """\
One of the four is faulty from the step on until the end, and one is all that the quorum of three can do without. So for
a while a second one is silent: without the faulty one's word there is no certificate, and with it none that is false.
No attestor is asked after *release* and *refund* were sent.
"""
_CLOCKS = """\
Each ledger judges by its own clock, and by nobody else's. It is put right when the settlement has ended, or, where it
keeps a time from coming, when it was asked in vain three times.
"""
_SAID = {"A process dies, or an answer goes astray": _LATE, "An attestor is": _ATTESTORS, "A clock is minutes": _CLOCKS}

_FOOT = """\
## How it is produced

`make matrix` drives every cell and writes this page. What is finished is kept, so a run that was interrupted goes on
where it was; `MATRIX_FLAGS=--fresh` begins anew, `MATRIX_FLAGS="--only pay:lying"` drives one cell. Two environments
run side by side (`MATRIX_LANES`), each with five rooms (`MATRIX_ROOMS`) that have an engine and a worker of their own;
what would be noticed outside of a room is done while the others are empty. It exits 1 if a cell is missing or wrong,
and then writes no page. A cell is wrong also if its situation did not come about: the step was not held where it
should be, the process was not dead, no second attempt was made, the late one did not land.

The steps are in `tests/matrix/steps.py`, the faults in `tests/matrix/faults.py`. Some cells of every row and every
column run in `make test`.
"""


def page(results: Mapping[Place, Result]) -> str:
    """The whole page. Every cell must be there."""
    slowest = max(results.values(), key=lambda result: result.seconds)
    parts = [
        _HEAD.format(
            count=len(STEPS) * len(COLUMNS),
            median=median(result.seconds for result in results.values()),
            slowest=slowest.seconds,
            slowest_at=f"*{slowest.step}*, {slowest.fault}",
            both=_BOTH,
            neither=_NEITHER,
        )
    ]
    for title, faults in TABLES.items():
        parts += [f"## {title}\n", _table(faults, results)]
        parts += [said] if (said := _SAID.get(title)) else []
        parts += ["".join(f"- **{fault.name}**: {fault.text}\n" for fault in faults)]
    return "\n".join([*parts, _FOOT])


def _table(faults: Sequence[Fault], results: Mapping[Place, Result]) -> str:
    lines = ["| step | " + " | ".join(fault.name for fault in faults) + " |", "|---" * (len(faults) + 1) + "|"]
    for step in STEPS:
        cells = (_shown(results[step.name, fault.name]) for fault in faults)
        lines.append(f"| **{step.name}** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _shown(result: Result) -> str:
    how = _BOTH if result.outcome == "SETTLED" else f"{_NEITHER} {result.outcome.lower()}"
    return f"{how} {result.seconds:.1f} s"
