"""The columns of the matrix, as the issue has them: what each is called and does, and whether other rooms would notice.

What happens is in the modules of `striking`.
"""

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass

from tests.matrix.cell import Cell
from tests.matrix.steps import Step
from tests.matrix.striking import attestors, clocks, engine, late, people, processes, servers

Strike = Callable[[Cell], Awaitable[None]]


def _nothing(_: Step) -> bool:
    return False


def _everything(_: Step) -> bool:
    return True


def _attestors_way(step: Step) -> bool:
    return step.asks_attestors


def _swept(rows: Container[str]) -> Callable[[Step], bool]:
    """A sweep takes up whatever is open on the ledgers, whichever room it belongs to."""
    return lambda step: step.name in rows


@dataclass(frozen=True)
class Fault:
    """A column. `strike` brings it about; `shared` says of a step whether other rooms of the lane would notice."""

    name: str
    strike: Strike
    shared: Callable[[Step], bool] = _nothing

    @property
    def text(self) -> str:
        """What it does, in a sentence."""
        return " ".join((self.strike.__doc__ or "").split())


TABLES = {
    "A process dies, or an answer goes astray": (
        Fault("killed before the effect", processes.killed_before_the_effect),
        Fault("killed after the commit, before the answer", processes.killed_after_the_commit),
        Fault("the answer lost", processes.the_answer_is_lost),
        Fault("the answer delivered twice", processes.the_answer_comes_twice),
        Fault("lands late, after the retry has succeeded", late.lands_after_the_retry),
        Fault("lands late, after the settlement has ended the other way", late.lands_after_the_other_end),
    ),
    "What it stands on is away": (
        Fault("Postgres killed inside the transaction", servers.postgres_is_killed_inside, _everything),
        Fault("the ledger unreachable for a while", servers.the_ledger_is_unreachable, _attestors_way),
        Fault("Temporal killed", engine.temporal_is_killed),
        Fault("Temporal's whole database lost", engine.temporal_loses_everything, _swept(engine.SWEPT)),
        Fault("the worker killed and no other there for a while", processes.no_worker_for_a_while),
        Fault("the workflow terminated", people.the_workflow_is_terminated, _swept(people.SWEPT)),
        Fault("the workflow cancelled from the Web UI", people.the_workflow_is_cancelled),
    ),
    "An attestor is": (
        Fault("down", attestors.one_is_down, _everything),
        Fault("slow", attestors.one_is_slow, _everything),
        Fault("lying", attestors.one_is_lying, _everything),
        Fault("contradicting itself", attestors.one_is_contradicting_itself, _everything),
    ),
    "A clock is minutes": (
        Fault("ahead, the asset ledger's", clocks.asset_ahead, _everything),
        Fault("ahead, the payment ledger's", clocks.payment_ahead, _everything),
        Fault("behind, the asset ledger's", clocks.asset_behind, _everything),
        Fault("behind, the payment ledger's", clocks.payment_behind, _everything),
    ),
}
COLUMNS = {fault.name: fault for faults in TABLES.values() for fault in faults}
