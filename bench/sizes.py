"""How much is measured: fixed numbers, from `BENCH_*` variables; decides nothing else."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

PREFIX = "BENCH_"


@dataclass(frozen=True)
class Sizes:
    """Each field is a variable: `settlements` is BENCH_SETTLEMENTS. Times are in seconds."""

    settlements: int = 1000
    """How many are settled at `at_once`: twenty times as many as that, so that the first and last wave weigh little."""
    alone: int = 200
    """How many are settled one at a time."""
    at_once: int = 50
    warm_up: int = 100
    """How many are settled before anything is measured, whenever workers were started."""
    repeats: int = 3
    transactions: int = 16_000
    """How many transactions a run of pgbench makes, over all its connections."""
    scale: int = 32
    """pgbench's scale: its manual asks for as many as there are connections."""
    certificates: int = 4000
    trades: int = 1_000_000
    """How many settled trades the ledgers hold where it is seen whether that matters; and before, a thousandth."""
    open: int = 10_000
    """How many settlements stand still at once."""
    still_seconds: int = 120
    """For how long they are watched."""
    starts: int = 30
    """How often each command is started."""

    @classmethod
    def told(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """As the environment says. Raises ValueError for what is no number above 0."""
        said = {field.name: environment.get(PREFIX + field.name.upper()) for field in fields(cls)}
        numbers = {name: int(value) for name, value in said.items() if value}
        if wrong := [PREFIX + name.upper() for name, number in numbers.items() if number < 1]:
            raise ValueError(f"{wrong[0]} must be at least 1")
        return cls(**numbers)

    def document(self) -> dict[str, int]:
        """All of it, for a file."""
        return asdict(self)
