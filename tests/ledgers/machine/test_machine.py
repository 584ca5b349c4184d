"""Random programs against real ledgers: nothing they answer, show or remember contradicts the design's table.

`make test` runs the same few programs every time. With MACHINE_EXAMPLES they are so many, of up to MACHINE_STEPS steps,
and new ones every time, unless MACHINE_SEED says which.
"""

import asyncio
import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

from tests.conftest import LedgerServer
from tests.ledgers.machine.kept import MemoryPair, Pair, PostgresPair
from tests.ledgers.machine.machine import LedgerMachine
from tests.ledgers.machine.tally import Tally

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))
SEED = int(os.environ.get("MACHINE_SEED", str(random.SystemRandom().randrange(10**9) if EXAMPLES else 3)))
ENOUGH = 200
OF_ONE_SEED = 10
STEPS = int(os.environ.get("MACHINE_STEPS", "40" if EXAMPLES else "30"))
REACHED = {
    ("Lock", "receipt"),
    ("Lock", "insufficient_balance"),
    ("Lock", "id_used"),
    ("Lock", "terms_closed"),
    ("Pay", "receipt"),
    ("Pay", "certificate_invalid"),
    ("Pay", "already_voided"),
    ("Void", "receipt"),
    ("Void", "already_paid"),
    ("Void", "not_past_deadline"),
    ("Void", "authority_invalid"),
    ("Release", "receipt"),
    ("Refund", "receipt"),
    ("Order", "receipt"),
    ("Order", "not_left_out"),
    ("Accuse", "receipt"),
    ("Accuse", "misconduct_unproven"),
    ("Check", "answer"),
}
"""Answers without which a run has shown little: whoever changes how programs are made sees them still come."""
pytestmark = pytest.mark.timeout(0 if EXAMPLES else 600)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Hypothesis knows no event loop: programs run in one of their own."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def postgres(runner: asyncio.Runner, ledger_server: LedgerServer) -> Iterator[PostgresPair]:
    """Both ledgers on Postgres."""
    pair = runner.run(PostgresPair.opened(ledger_server))
    yield pair
    runner.run(pair.close())


def run(pair: Pair, runner: asyncio.Runner, examples: int) -> Tally:
    """Random programs on that pair; how often each kind of request had each answer.

    After ten programs Hypothesis goes on with near copies of what it has seen: so each ten have a seed of their own.
    """
    seeds = range(SEED, SEED + (EXAMPLES or examples) // OF_ONE_SEED)
    tally = Tally(len(seeds) * OF_ONE_SEED)
    for number in seeds:
        name = f"Program of seed {number}"
        machine = type(name, (LedgerMachine,), {"pair": pair, "runner": runner, "tally": tally})
        of_seed = settings(
            max_examples=OF_ONE_SEED,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(get_state_machine_test(machine, settings=of_seed))()
    tally.say()
    return tally


def test_ledgers_in_memory_answer_random_programs_as_the_model_does(runner: asyncio.Runner) -> None:
    assert unreached(run(MemoryPair(), runner, 20)) == set()


def test_ledgers_on_postgres_answer_random_programs_as_the_model_does(
    runner: asyncio.Runner, postgres: PostgresPair
) -> None:
    assert unreached(run(postgres, runner, 20)) == set()


def unreached(tally: Tally) -> set[tuple[str, str]]:
    """What a run did not show; of one that is new every time and short, nothing is expected."""
    return REACHED - tally.answers.keys() if EXAMPLES == 0 or EXAMPLES >= ENOUGH else set()
