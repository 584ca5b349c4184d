"""The worlds that are searched: which terms, whom one may trust, and which of the promises each world keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.protocol_model.engine import Engine
from tests.protocol_model.ledgers import Terms
from tests.protocol_model.orchestrator import Orchestrated
from tests.protocol_model.rules import Rules
from tests.protocol_model.search import Model

TRADE = Terms("A", units=2, money=3)
AGAIN = Terms("B")
"""Other terms of the same id, which the same parties have signed too."""

STRANGERS = Terms("M", seller="mallory", buyer="mallet")
"""Terms of the same id by which Mallory trades with herself: signed by both of the keys that they name."""

HALF = Terms("H", signed=False)
"""Terms of the same id that only one of the parties they name has signed."""


@dataclass(frozen=True)
class World:
    """Something to search. `ends`: whether every state must lead on to an end with only the honest taking part."""

    name: str
    text: str
    build: Callable[[Rules], Model[Any]]
    ends: bool = True


WORLDS = (
    World(
        "one_terms",
        "malicious orchestrator, one dishonest attestor",
        lambda rules: Orchestrated(rules, (TRADE,), dishonest=1),
    ),
    World(
        "two_terms",
        "the same, two terms of one id signed by the same parties, each with its settle_by",
        lambda rules: Orchestrated(rules, (TRADE, AGAIN), dishonest=1),
    ),
    World(
        "stranger",
        "the same, one id in strangers' terms and in half-signed ones too",
        lambda rules: Orchestrated(rules, (TRADE, STRANGERS, HALF), dishonest=1, one_deadline=True),
    ),
    World(
        "restored",
        "one dishonest attestor, either ledger restored from old backups",
        lambda rules: Orchestrated(rules, (TRADE,), dishonest=1, restores=True),
    ),
    World(
        "two_dishonest",
        "two dishonest attestors, either ledger restored from old backups",
        lambda rules: Orchestrated(rules, (TRADE,), dishonest=2, restores=True),
        ends=False,
    ),
    World(
        "workflow",
        "honest workflow; runs terminated or forgotten, what they sent lands late",
        lambda rules: Engine(rules, by_hand=False),
    ),
    World(
        "by_hand",
        "the same, and anybody may send any operation by hand",
        lambda rules: Engine(rules, by_hand=True),
    ),
)
"""Worlds in which every rule is kept, and every property must hold."""

BROKEN_TRUST = World(
    "three_dishonest",
    "a quorum of dishonest attestors, against which nothing helps",
    lambda rules: Orchestrated(rules, (TRADE,), dishonest=3),
    ends=False,
)


def world_named(name: str) -> World:
    """Raises StopIteration for a world that nobody knows."""
    return next(world for world in (*WORLDS, BROKEN_TRUST) if world.name == name)
