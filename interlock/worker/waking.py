"""Has settlements ask again once the account that they wait for was credited, unfrozen or admitted. Decides nothing:
a settlement that is woken for nothing is refused once more, and waits on.

Three things find a waiter, each where the one before has failed: the ledger's announcement, within a moment; a look at
its table, when this process has (re)connected and every half minute; and the settlement itself, which asks every hour.
Several processes may do this for one ledger: whoever is woken twice asks twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Collection, Sequence
from itertools import chain

import asyncpg
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from interlock.ledgers.connections import Listener
from interlock.ledgers.faults import LedgerFault
from interlock.ledgers.waiters import Waiter, Waiters
from interlock.protocol import Stage
from interlock.protocol.names import (
    LOOK_AGAIN,
    SETTLEMENT_WORKFLOW,
    STAGE,
    TERMS_HASHES,
    WAITING_FOR,
    Role,
    recovery_workflow_id,
    workflow_id_between,
)
from interlock.protocol.refusals import ANNOUNCED

log = logging.getLogger("interlock.worker")

LOOK_EVERY_SECONDS = 30.0
AT_ONCE = 50
"""How many are told in one go."""

ON_THEIR_WAY = 100
"""How many waiters of one account may have been told and not have asked yet: more would only queue for the workers."""

_PAUSE_SECONDS = 0.2  # whom this many follow in the queue need not be looked for after each one
_RETRY_SECONDS = 1.0
_FAILURES_UNTIL_TOLD = 5  # a ledger or a Temporal that comes back at once is no news
_WAIT_AT = {Role.ASSET: (Stage.MATCHED, Stage.PAID), Role.PAYMENT: (Stage.ATTESTED,)}


class Waker:
    """Wakes whoever waits for one ledger, in its role."""

    def __init__(self, client: Client, waiters: Waiters, role: Role, network: str) -> None:
        self._client = client
        self._waiters = waiters
        self._role = role
        self._network = network
        self._failures = 0

    async def until(self, end: Awaitable[None]) -> None:
        """Wake whoever may go on, until `end` returns."""
        async with asyncio.TaskGroup() as group:
            waking = group.create_task(self._wake_on())
            await end
            waking.cancel()

    async def _wake_on(self) -> None:
        """Never returns: what cannot be reached now is tried again."""
        reminded = False
        while True:
            try:
                async with self._waiters.listening() as listener:
                    await self._look()
                    if not reminded:
                        await self._remind_the_forgotten()
                        reminded = True
                    self._tell_mended()
                    await self._listen(listener)
            except (LedgerFault, RPCError, asyncpg.PostgresError) as error:
                self._tell_failed(error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, listener: Listener) -> None:
        """Look where something is announced, and everywhere now and then."""
        loop = asyncio.get_running_loop()
        next_look = loop.time() + LOOK_EVERY_SECONDS
        while True:
            accounts = await listener.heard(max(0.0, next_look - loop.time()))
            if accounts:
                await self._wake(accounts)
            if loop.time() >= next_look:
                await self._look()
                next_look = loop.time() + LOOK_EVERY_SECONDS

    async def _look(self) -> None:
        await self._waiters.drop([])
        await self._wake(None)

    async def _wake(self, accounts: Collection[str] | None) -> None:
        """Wake those who may go on, each once; whom they make way for is announced, or found by the next look."""
        tried = set[Waiter]()
        while True:
            due = await self._waiters.due(accounts, limit=AT_ONCE, on_their_way=ON_THEIR_WAY)
            fresh = [waiter for waiter in due if waiter not in tried]
            if not fresh:
                break
            tried.update(fresh)
            await self._wake_these(fresh)
        if tried:
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _wake_these(self, waiters: Sequence[Waiter]) -> None:
        """Raises RPCError if one could not be told; it stays due."""
        told = await asyncio.gather(*(self._wake_one(waiter) for waiter in waiters), return_exceptions=True)
        answers = list(zip(waiters, told, strict=True))
        await self._waiters.note_woken([waiter for waiter, was_told in answers if was_told is True])
        await self._waiters.drop([waiter for waiter, was_told in answers if was_told is False])
        for answer in told:
            if isinstance(answer, BaseException):
                raise answer

    async def _wake_one(self, waiter: Waiter) -> bool:
        """False if no workflow carries these terms on: neither the parties' own, nor one that recovers them beside."""
        own = workflow_id_between(waiter.settlement_id, waiter.seller, waiter.buyer, self._network)
        beside = recovery_workflow_id(own, waiter.terms_hash)
        return any([await self._signal(own), await self._signal(beside)])

    async def _signal(self, workflow_id: str) -> bool:
        try:
            await self._client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _remind_the_forgotten(self) -> None:
        """Have ask again whoever waits for this ledger and is unknown to it: it was restored from a backup."""
        codes = ", ".join(f"'{code}'" for code in sorted(ANNOUNCED))
        stages = ", ".join(f"'{stage}'" for stage in _WAIT_AT[self._role])
        waiting = {
            run.id: run.typed_search_attributes.get(SearchAttributeKey.for_keyword_list(TERMS_HASHES)) or ()
            async for run in self._client.list_workflows(
                f"WorkflowType = '{SETTLEMENT_WORKFLOW}' AND ExecutionStatus = 'Running' "
                f"AND {WAITING_FOR} IN ({codes}) AND {STAGE} IN ({stages})"
            )
        }
        known = await self._waiters.waiting_of(list(chain.from_iterable(waiting.values())))
        for workflow_id, terms_hashes in waiting.items():
            if known.isdisjoint(terms_hashes):
                await self._signal(workflow_id)

    def _tell_failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == _FAILURES_UNTIL_TOLD:
            what = f"{type(error).__name__}: {error}"
            log.warning(
                "role %s can wake nobody; settlements that wait ask by themselves, hourly (%s)", self._role, what
            )

    def _tell_mended(self) -> None:
        if self._failures >= _FAILURES_UNTIL_TOLD:
            log.warning("role %s wakes settlements again", self._role)
        self._failures = 0
