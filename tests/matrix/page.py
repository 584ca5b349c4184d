"""docs/crash-matrix.md, from finished cells: step by fault, what each column does, and how it was produced."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from tests.matrix.campaign import ALL, Place, Result
from tests.matrix.faults import COLUMNS, TABLES, Fault
from tests.matrix.placement import Placement
from tests.matrix.steps import STEPS

_BOTH, _NEITHER = "●", "○"

_HEAD = """\
# The crash matrix

Every step of a settlement, times everything that may go wrong while it is carried out, times both places where steps
are taken: {steps} by {faults} by 2, {count} cells. In each, a real settlement on a real Temporal and a real Postgres,
with four attestor processes and a worker process, is stopped at exactly that step, and the fault is brought about from
outside: by signals, by a gate between the processes, by a line between the worker and its ledgers. Then the end is
judged from the two ledgers alone: the lock's row, the verdict's row, and every effect on the four accounts, each of
which must be there exactly once or not at all. In all {count} cells both legs moved, or neither did; and the invariants
of all ledgers that were used held at the end.

**Apart**, each step is an activity on its role's task queue; **here**, the process that runs the workflow takes it, in
one go with those that follow where nobody has to be waited for ([why](decisions/0011-where-steps-run.md)). Whoever
starts a settlement says which; what the sweeper starts goes on here, for its process serves all roles.

| | half had ended after | the last one after | |
|---|---|---|---|
{recovered}

| | |
|---|---|
| {both} | settled: the units are with the buyer, the cash is with the seller |
| {neither} cancelled | neither moved: both parties' consent or two operators voided it |
| {neither} expired | neither moved: settle_by voided it |
| {neither} rejected | neither moved: a ledger said no before anything was locked |
| 15.4 / 10.1 s | apart / here, from the fault until ledgers and workflow have ended; the fault itself is part of it |

An attempt whose worker is gone is given up by the engine after 15 s apart, and with the whole workflow task after 10 s
here: most of what takes longer than a moment waits for that. One that is only not answered is given up after 1.8 s
here. *match* is stopped where it asks the asset ledger what stands for the terms, *check* where it asks whether the
ledger would lock: they write nothing, so their effect is to have looked. The effect of *attest* is the attestors'
votes.
"""

_LATE = """\
After the verdict there is no other end. In the rows from *attest PAID* on, what would lead there is asked for while the
attempt is on its way (the other verdict; a release on a VOIDED certificate; a refund on a PAID one), and refused; then
it lands, and changes nothing.
"""
_AWAY = """\
A worker that takes steps here goes on to the end, whether its workflow is terminated or lost: whoever instructs again
is told what it has done. Where the sweeper is to find something, the worker dies as well, with the step done and not
yet answered. A cancel request is in history only when the step here has ended.
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
_SAID = {
    "A process dies, or an answer goes astray": _LATE,
    "What it stands on is away": _AWAY,
    "An attestor is": _ATTESTORS,
    "A clock is minutes": _CLOCKS,
}

_FOOT = """\
## How it is produced

`make matrix` drives every cell and writes this page. What is finished is kept, so a run that was interrupted goes on
where it was; `MATRIX_FLAGS=--fresh` begins anew, `MATRIX_FLAGS="--placement here"` drives the cells of one placement,
`MATRIX_FLAGS="--only pay:lying"` one cell in both. Two environments run side by side (`MATRIX_LANES`), each with five
rooms (`MATRIX_ROOMS`) that have an engine and a worker of their own; what would be noticed outside of a room is done
while the others are empty. It exits 1 if a cell is missing or wrong, and then writes no page. A cell is wrong also if
its situation did not come about: the step was not held where it should be, the process was not dead, no second attempt
was made, the late one did not land, the step was not taken in the place where it should be.

The steps are in `tests/matrix/steps.py`, the faults in `tests/matrix/faults.py`. A cell of every row and of every
column runs in `make test`, the placements in turn.
"""


def page(results: Mapping[Place, Result]) -> str:
    """The whole page. Every cell must be there."""
    parts = [
        _HEAD.format(
            steps=len(STEPS),
            faults=len(COLUMNS),
            count=len(ALL),
            recovered="\n".join(_recovered(placement, results.values()) for placement in Placement),
            both=_BOTH,
            neither=_NEITHER,
        )
    ]
    for title, faults in TABLES.items():
        parts += [f"## {title}\n", _table(faults, results)]
        parts += [said] if (said := _SAID.get(title)) else []
        parts += ["".join(f"- **{fault.name}**: {fault.text}\n" for fault in faults)]
    return "\n".join([*parts, _FOOT])


def _recovered(placement: Placement, results: Iterable[Result]) -> str:
    """How long the cells of one placement took to end."""
    of_it = [result for result in results if result.placement is placement]
    slowest = max(of_it, key=lambda result: result.seconds)
    half = median(result.seconds for result in of_it)
    return f"| {placement} | {half:.1f} s | {slowest.seconds:.0f} s | *{slowest.step}*, {slowest.fault} |"


def _table(faults: Sequence[Fault], results: Mapping[Place, Result]) -> str:
    lines = ["| step | " + " | ".join(fault.name for fault in faults) + " |", "|---" * (len(faults) + 1) + "|"]
    for step in STEPS:
        cells = (_shown(*(results[placement, step.name, fault.name] for placement in Placement)) for fault in faults)
        lines.append(f"| **{step.name}** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _shown(apart: Result, here: Result) -> str:
    """How the cell ended in both placements; said once where that is the same."""
    if apart.outcome == here.outcome:
        return f"{_how(apart)} {apart.seconds:.1f} / {here.seconds:.1f} s"
    return f"{_how(apart)} {apart.seconds:.1f} s / {_how(here)} {here.seconds:.1f} s"


def _how(result: Result) -> str:
    return _BOTH if result.outcome == "SETTLED" else f"{_NEITHER} {result.outcome.lower()}"
