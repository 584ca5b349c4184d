"""`interlock up`: the embedded stack in the foreground, until told to stop. It restarts nothing by itself."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from interlock.protocol import AttestorSet
from interlock.stack.embedded import EmbeddedStack
from interlock.stack.identity import AUDIT
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import NAMESPACE


class Announcement(BaseModel):
    """Where everything is. The DSNs are the readers': they look, and change nothing."""

    data_dir: str
    temporal: str
    namespace: str
    web_ui: str
    asset_ledger: str
    payment_ledger: str
    audit: str
    attestors: list[str]
    coordinator: AttestorSet
    network: str


def announcement_of(stack: EmbeddedStack) -> Announcement:
    """Where the parts of a started stack are."""
    return Announcement(
        data_dir=str(stack.data_dir),
        temporal=stack.temporal.address,
        namespace=NAMESPACE,
        web_ui=stack.temporal.ui_url,
        asset_ledger=stack.dsn("asset", "asset_reader"),
        payment_ledger=stack.dsn("payment", "payment_reader"),
        audit=stack.dsn(AUDIT, f"{AUDIT}_reader"),
        attestors=list(stack.attestor_urls.values()),
        coordinator=stack.coordinator,
        network=stack.identity.network,
    )


async def up(data_dir: Path, operators: tuple[str, ...], announce: Callable[[Announcement], None]) -> int:
    """Run until SIGINT or SIGTERM: 0; 1 when a server ended by itself. Raises StackError, AlreadyRunning."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    stack = EmbeddedStack(data_dir, operators)
    starting, stopping = asyncio.ensure_future(stack.start()), asyncio.ensure_future(told.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 0
    starting.result()
    try:
        announce(announcement_of(stack))
        for role in stack.closed_roles:
            sys.stderr.write(f"role {role} takes no work yet; {stack.processes['worker'].log} says why\n")
        return await _watch(stack, stopping)
    finally:
        await stack.stop()


async def _watch(stack: EmbeddedStack, told: asyncio.Task[Literal[True]]) -> int:
    """Wait for the word to stop; say so when a process ends, and give up when a server did."""
    servers = [server for server in (stack.postgres.process, stack.temporal.process) if server is not None]
    ends = {asyncio.ensure_future(process.wait()): process for process in [*servers, *stack.processes.values()]}
    while not told.done():
        waited: set[asyncio.Task[Any]] = {told, *ends}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for ended in [end for end in ends if end.done()]:
            process: ManagedProcess = ends.pop(ended)
            if told.done():
                break
            sys.stderr.write(f"{process.name} ended with code {ended.result()}; see {process.log}\n")
            if process in servers:
                told.cancel()
                return 1
    for end in ends:
        end.cancel()
    await asyncio.gather(*ends, return_exceptions=True)
    return 0
