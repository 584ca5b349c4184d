"""What the audit database knows of spans that are missing, and how far each journal was looked through for them.

Needs the writer's login, or the keeper's. Adds nothing itself: what is completed goes the way of all spans.
"""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from interlock.audit.due import ANSWERS, Due
from interlock.audit.install import ROOM
from interlock.ledgers.connections import Connections
from interlock.ledgers.queries import query
from interlock.protocol.names import Role

Place = dict[str, Any]
"""How far a journal was looked through: JSON, written and read by who looks through it."""

_TURNS = {Role.ASSET.value: 1, Role.PAYMENT.value: 2, "audit": 3}


@dataclass(frozen=True)
class Missing:
    """A span that is due and is not there, and the id that it gets."""

    due: Due
    span_id: str


class Trail:
    """The audit database, as who completes traces needs it. Methods raise LedgerUnreachable, and asyncpg's errors."""

    def __init__(self, connections: Connections) -> None:
        """`connections` must be one connection: a turn belongs to it."""
        self._connections = connections

    @asynccontextmanager
    async def turn(self, journal: str) -> AsyncIterator[bool]:
        """Whether it is ours to look through a journal while the block lasts: one process does it at a time."""
        number = _TURNS[journal]
        taken = bool(await self._connections.value(query("take_turn", ROOM), number))
        try:
            yield taken
        finally:
            if taken:
                await self._connections.value(query("end_turn", ROOM), number)

    async def place(self, journal: str) -> Place:
        """How far a journal was looked through; empty before the first time."""
        found = await self._connections.value(query("looked_through", ROOM), journal)
        return dict(json.loads(found)) if found else {}

    async def note(self, journal: str, place: Mapping[str, Any]) -> None:
        """Go on from there the next time, whoever does."""
        await self._connections.value(query("note_looked_through", ROOM), journal, json.dumps(place))

    async def missing(self, due: Sequence[Due]) -> list[Missing]:
        """Which of these are not there."""
        effects = [each for each in due if each.kind == "effect"]
        steps = [each for each in due if each.kind != "effect"]
        return [*await self._missing_effects(effects), *await self._missing_steps(steps)]

    async def missing_roots(self, roots: Mapping[str, str]) -> set[str]:
        """Which of these traces have no root; `roots` are the roots' span ids by trace."""
        asked = (list(roots), list(roots.values()))
        rows = await self._connections.rows(query("missing_spans", ROOM), *asked)
        return {row["trace_id"] for row in rows}

    async def _missing_effects(self, due: Sequence[Due]) -> Collection[Missing]:
        if not due:
            return []
        rows = await self._connections.rows(
            query("missing_effects", ROOM),
            [each.trace_id for each in due],
            [each.named_id for each in due],
            [each.span_id for each in due],
            [each.name for each in due],
            [each.entry.reference for each in due],
        )
        found = []
        for row in rows:
            each = due[row["place"] - 1]
            named = each.named_id if row["is_free"] else None
            found.append(Missing(each, named or each.span_id))
        return found

    async def _missing_steps(self, due: Sequence[Due]) -> Collection[Missing]:
        if not due:
            return []
        rows = await self._connections.rows(
            query("missing_steps", ROOM),
            [each.trace_id for each in due],
            [each.name for each in due],
            [ANSWERS[each.kind] for each in due],
        )
        return [Missing(due[row["place"] - 1], due[row["place"] - 1].span_id) for row in rows]
