"""How much chaos: how many settlements, how many at once, how often each kind of fault; and the seed of all choices.

Every choice is drawn from a stream of its own name, so that one choice more or less does not shift all others.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.protocol.names import Role

ALL = tuple(Role)
FOUR_WORKERS: Mapping[str, tuple[Role, ...]] = {
    "all-1": ALL,
    "all-2": ALL,
    "settlements": (Role.SETTLEMENT, Role.COORDINATOR),
    "ledgers": (Role.ASSET, Role.PAYMENT),
}
"""At least two processes for each role, so that work finds another place when one is killed."""

TWO_WORKERS: Mapping[str, tuple[Role, ...]] = {"all-1": ALL, "all-2": ALL}

FAULT_EVERY_SECONDS: Mapping[str, float] = {
    "worker killed": 8,
    "worker stalled": 40,
    "postgres killed": 60,
    "backend killed": 45,
    "temporal killed": 60,
    "attestor killed": 25,
    "attestor stalled": 25,
    "connections cut": 12,
    "run terminated": 7,
    "cancel requested": 10,
}
"""How long it takes on average from one fault of a kind, when it is mended, to the next."""


@dataclass(frozen=True)
class Plan:
    """One run. Times are in seconds, on a machine that is quick enough; see `Fleet.pace`."""

    settlements: int = 3000
    seconds: float = 600.0
    """Settlements are started evenly over so long; over longer, if the service cannot keep up."""
    seed: int = 1
    at_once: int = 60
    parties: int = 36
    workers: Mapping[str, tuple[Role, ...]] = field(default_factory=lambda: FOUR_WORKERS)
    fault_every: Mapping[str, float] = field(default_factory=lambda: FAULT_EVERY_SECONDS)
    freeze_every: float = 15.0
    """How long it takes on average until operators freeze an account of many trades' for a while."""
    longest_stall: float = 20.0
    """Longer than an attempt at a step may take, so that a stalled worker's own comes late."""
    settle_within: tuple[float, float] = (90.0, 180.0)
    """How near the settle_by of a settlement is that has nothing to wait for."""
    waits: tuple[float, float] = (0.5, 8.0)
    """How long parties and operators take over what they are waited for."""
    ends_within: float = 300.0
    """How long everything may take to end once the last fault is mended."""
    sweep_every: float = 10.0

    @classmethod
    def told(cls) -> "Plan":
        """The plan that the environment asks for: CHAOS_SETTLEMENTS, CHAOS_SECONDS, CHAOS_SEED. Raises ValueError."""
        told = os.environ
        return cls(
            settlements=int(told.get("CHAOS_SETTLEMENTS", cls.settlements)),
            seconds=float(told.get("CHAOS_SECONDS", cls.seconds)),
            seed=int(told.get("CHAOS_SEED", cls.seed)),
        )

    def stream(self, name: str) -> random.Random:
        """The choices of that name: the same in every run with this seed."""
        return random.Random(f"{self.seed}/{name}")
