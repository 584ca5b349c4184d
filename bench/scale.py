"""The part `scale`: whether settling is as fast on ledgers that hold a million settled trades as on ones with few.

Two stacks side by side, alike but for that; measured in turn, so that whatever disturbs one disturbs the other. What
was loaded is kept until the part is done: a run that was interrupted goes on loading where it stopped.
"""

import asyncio
import json
import shutil
import time
from contextlib import AsyncExitStack

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleActionResult

from bench.bulk import BulkLoad
from bench.cli import program
from bench.contestants import Ours
from bench.engine import samples_of
from bench.evidence import signers
from bench.place import Place, opened
from bench.progress import say
from bench.results import FOLDER, Results, Sample
from bench.sealed import passed
from bench.sizes import Sizes
from interlock.ledgers.standing import newest_position
from interlock.protocol.instructions import SweepResult
from interlock.protocol.names import SWEEP_SCHEDULE

PART = "scale"
OURS = Ours("together")
FEWER = 1000
"""Of how many trades the smaller stack holds one."""

_LOOK_EVERY_SECONDS = 0.25


async def measure(sizes: Sizes, results: Results) -> None:
    """Raises RuntimeError if the ledgers do not verify."""
    if results.has(verified=sizes.trades):
        return
    folder = FOLDER / PART
    if not results.has(begun=True):
        shutil.rmtree(folder, ignore_errors=True)
        results.add([{"begun": True}])
    async with AsyncExitStack() as held:
        counts = (max(1, sizes.trades // FEWER), sizes.trades)
        places = {count: await held.enter_async_context(opened(folder / str(count))) for count in counts}
        with signers() as pool:
            for count, place in places.items():
                await BulkLoad(place, pool).up_to(count)
        for place in places.values():
            await passed(place)
            await _sweeps_catch_up(place)
        for repeat in range(1, sizes.repeats + 1):
            for count, place in places.items():
                if not results.has(trades=count, repeat=repeat):
                    say(f"with {count:,} settled trades:")
                    found = await samples_of(OURS, place, sizes, repeat)
                    results.add([{**sample, "trades": count} for sample in found])
        results.add([await _verified(places[sizes.trades], sizes.trades)])
    shutil.rmtree(folder, ignore_errors=True)


async def _sweeps_catch_up(place: Place) -> None:
    """Have the sweeper read what was loaded, as it would have read it long ago had it been settled here."""
    end = await newest_position(place.market.payment)
    async with OURS.running(place):
        schedule = place.temporal.get_schedule_handle(SWEEP_SCHEDULE)
        position = -1
        while position < end:
            await schedule.trigger()
            if recent := (await schedule.describe()).info.recent_actions:
                position = (await _result_of(place.temporal, recent[-1])).position
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
    say(f"the sweeper has read on to position {position:,}")


async def _result_of(temporal: Client, sweep: ScheduleActionResult) -> SweepResult:
    action = sweep.action
    if not isinstance(action, ScheduleActionExecutionStartWorkflow):
        raise TypeError(f"a sweep is no workflow but {action}")
    handle = temporal.get_workflow_handle(
        action.workflow_id, run_id=action.first_execution_run_id, result_type=SweepResult
    )
    found: SweepResult = await handle.result()
    return found


async def _verified(place: Place, trades: int) -> Sample:
    """What the command says of the ledgers' invariants. Raises RuntimeError if one is broken."""
    begun = time.monotonic()
    command = [*program(), "ledger", "verify", "--json", "--data-dir", str(place.stack.data_dir)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    told = json.loads(said)
    if process.returncode != 0 or not told["ok"]:
        raise RuntimeError(f"the ledgers do not verify: {told}")
    seconds = time.monotonic() - begun
    say(f"ledger verify: every invariant holds, after {seconds:.0f} s")
    facts = sum(each["checked"] for each in told["invariants"].values())
    return {"verified": trades, "facts": facts, "seconds": seconds}
