"""What becomes of settlements that are open on a real server when a worker with the mutated code takes them over.

Asks none of the nets: the server and the ledgers are the judges. `python -m tests.mutations.taking_over` asks about each
mutation, and goes on where it was broken off; `make mutations` then writes the table. `--fresh` begins again. Exits 1
where a harmless mutation, or none at all, does any harm.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from interlock.protocol.names import Role
from tests.attestors.quorum import Quorum
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.looking import ROOT, mutated, short
from tests.mutations.mutation import Mutation, key
from tests.workflows.conftest import client_of_a_server
from tests.workflows.service import Service, Settlement, Window, running_service
from tests.world import BUYER, CASH, SELLER, UNITS

KEPT = ROOT / "build" / "taken-over.json"
PATIENCE_SECONDS = 90.0
RETRY_AFTER_SECONDS = 0.5
TRIED_IN_VAIN = 4
"""A step that has failed so often for the same reason will go on failing."""

Finish = Callable[[Service, Settlement], Awaitable[object]]
TOGETHER = (Role.ASSET, Role.PAYMENT, Role.COORDINATOR)


async def _cash_comes(service: Service, trade: Settlement) -> None:
    await service.world.mint(service.world.payment, "northbank", "USD", 9 * CASH)  # enough for the others, too
    await trade.look_again()


async def _consent(_: Service, trade: Settlement) -> None:
    await asyncio.gather(trade.cancel(SELLER), trade.cancel(BUYER))


async def _nothing(_: Service, __: Settlement) -> None:
    """It goes on by itself."""


async def opened(service: Service) -> Mapping[str, tuple[Settlement, Finish, str]]:
    """Settlements that wait, by what for: each with what is to be done for it, and the outcome that it then has."""
    short_of_cash: dict[str, Any] = {"payment": {"quantity": 11 * CASH}}
    short_of_units: dict[str, Any] = {"delivery": {"quantity": 11 * UNITS}}
    found: dict[str, tuple[Settlement, Finish, str]] = {}

    async def blocked(name: str, finish: Finish, outcome: str, code: str, **fields: Any) -> None:
        trade = service.settlement(**fields)
        await trade.instruct()
        await trade.until_blocked(code)
        found[name] = trade, finish, outcome

    async def proposed(name: str, finish: Finish, outcome: str) -> None:
        trade = service.settlement(delivery={"quantity": 1}, payment={"quantity": 1})
        await trade.instruct(SELLER)
        await trade.until(lambda report: report.stage == "PROPOSED")
        found[name] = trade, finish, outcome

    await blocked("waits for cash", _cash_comes, "SETTLED", "insufficient_balance", **short_of_cash)
    await blocked("waits for units", _consent, "CANCELLED", "insufficient_balance", **short_of_units)
    await proposed("waits for the buyer", lambda _, trade: trade.instruct(BUYER), "SETTLED")
    await proposed("withdrawn", lambda _, trade: trade.withdraw(SELLER), "CANCELLED")
    service.local_roles = TOGETHER
    await blocked(
        "waits for cash, here",
        lambda _, trade: trade.order("void"),
        "CANCELLED",
        "insufficient_balance",
        **short_of_cash,
    )
    service.local_roles = ()
    service.quorum.asset.broken = True
    await blocked("waits for a quorum", _nothing, "SETTLED", "no_quorum", delivery={"quantity": 1})
    return found


async def taken_over(client: Client, quorum: Quorum, mutation: Mutation | None) -> str:
    """What the first settlement met that does not end as it should, in a few words; empty if all do."""
    async with running_service(client, quorum) as service:
        return await _taken_over(service, mutation)


async def _taken_over(service: Service, mutation: Mutation | None) -> str:
    settlements = await opened(service)
    await service.stop(Role.SETTLEMENT)
    service.quorum.asset.broken = False
    judging: list[asyncio.Task[str]] = []
    try:
        with mutated(mutation) as root:
            async with _worker(root, service.client.service_client.config.target_host) as started:
                if not started:
                    return "does not run"
                judging = [asyncio.create_task(_became(service, name, *each)) for name, each in settlements.items()]
                for judged in asyncio.as_completed(judging):
                    if met := await judged:
                        return short(met)
                return ""
    finally:
        for each in judging:
            each.cancel()
        await asyncio.gather(*judging, return_exceptions=True)
        for trade, _, _ in settlements.values():
            if await trade.status() is WorkflowExecutionStatus.RUNNING:
                await trade.terminate()
        service.settlements.clear()  # what other code has carried on need not replay with this one


async def _became(service: Service, name: str, trade: Settlement, finish: Finish, outcome: str) -> str:
    """What keeps the settlement from ending so; empty if nothing does."""
    going_on = asyncio.create_task(_to_its_end(service, trade, finish, outcome))
    trouble = ""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (going_on.done() or trouble):
                trouble = await _trouble(trade)
                await asyncio.wait({going_on}, timeout=0.3)
        trouble = trouble or await going_on
    except TimeoutError:
        trouble = f"still open after {PATIENCE_SECONDS:.0f} s"
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)
    return f"{name}: {trouble}" if trouble else ""


async def _to_its_end(service: Service, trade: Settlement, finish: Finish, outcome: str) -> str:
    while True:
        try:
            await trade.report()
            await finish(service, trade)
            break
        except (WorkflowQueryFailedError, WorkflowUpdateFailedError) as error:
            return str(error.__cause__ or error)
        except RPCError:  # nobody answered in time: `_trouble` says why, or it is only slow
            await asyncio.sleep(RETRY_AFTER_SECONDS)
    report = await trade.handle.result()
    return "" if report.outcome == outcome else f"ends {report.outcome}, not {outcome}"


async def _trouble(trade: Settlement) -> str:
    """A workflow task that failed, or a step that is tried in vain."""
    for event in (await trade.history()).events:
        failed = event.workflow_task_failed_event_attributes
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED and failed.HasField("failure"):
            return failed.failure.message
    described = (await trade.handle.describe()).raw_description
    return next(
        (
            f"step {each.activity_type.name}: {each.last_failure.message}"
            for each in described.pending_activities
            if each.attempt >= TRIED_IN_VAIN
        ),
        "",
    )


@asynccontextmanager
async def _worker(root: Path, address: str) -> AsyncIterator[bool]:
    """A worker of the tree's code, while the block lasts; whether it came up."""
    ours = ("INTERLOCK_", "TEMPORAL_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.mutations.worker", address),
        cwd=root,
        env={**clean, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield await process.stdout.readline() == b"ready\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def yard(folder: Path) -> AsyncIterator[tuple[Client, Quorum]]:
    """A Temporal server and attestors, on which settlements are opened by the code as it stands."""
    (folder / "temporal").mkdir()
    quorum = Quorum(folder, asset=Window(), payment=Window())
    for number in range(4):
        await quorum.start(number)
    try:
        async with client_of_a_server(folder / "temporal") as client:
            yield client, quorum
    finally:
        await quorum.close()


def kept() -> dict[str, str]:
    """What was met, by the mutations' keys."""
    return dict(json.loads(KEPT.read_text())) if KEPT.is_file() else {}


async def main(*, fresh: bool) -> int:
    """Ask about all that has not been asked about; the exit code."""
    logging.disable(logging.ERROR)  # what workers say of requests that they do not understand
    met, harmed = {} if fresh else kept(), 0
    with tempfile.TemporaryDirectory(prefix="interlock-yard-", ignore_cleanup_errors=True) as folder:
        async with yard(Path(folder)) as (client, quorum):
            if trouble := await taken_over(client, quorum, None):
                sys.stdout.write(f"WRONG  with no mutation at all: {trouble}\n")
                return 1
            for each in MUTATIONS:
                if key(each) not in met:
                    met[key(each)] = await taken_over(client, quorum, each)
                    KEPT.parent.mkdir(parents=True, exist_ok=True)
                    KEPT.write_text(json.dumps(met, indent=1))
                does_harm = bool(met[key(each)]) and not each.breaks
                harmed += does_harm
                sys.stdout.write(f"{'WRONG' if does_harm else 'right'}  {each.what}: {met[key(each)]}\n")
                sys.stdout.flush()
    return 1 if harmed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(fresh="--fresh" in sys.argv[1:])))
