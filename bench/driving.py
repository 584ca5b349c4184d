"""Carries out a fixed number of things, so many at once, and times each as whoever asked for it sees it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Timed:
    """From the first start to the last outcome, and each one's own time from start to outcome; in seconds."""

    seconds: float
    each: tuple[float, ...]


async def drive(carry_out: Callable[[T], Awaitable[object]], subjects: Sequence[T], at_once: int) -> Timed:
    """Whoever has finished one takes the next. Raises an ExceptionGroup of what the first to fail raised."""
    waiting = iter(subjects)
    each: list[float] = []

    async def in_turn() -> None:
        for subject in waiting:
            begun = time.perf_counter()
            await carry_out(subject)
            each.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(in_turn())
    return Timed(time.perf_counter() - begun, tuple(each))
