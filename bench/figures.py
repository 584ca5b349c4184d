"""Medians, spreads and percentiles of what was measured. Reads no file."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed. Raises ValueError if there is none."""
    if not values:
        raise ValueError("there are no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Figure:
    """The median of repeats, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Raises statistics.StatisticsError if there is none."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 1, factor: float = 1.0) -> str:
        """For people: the median, and the spread in brackets where there is one."""
        median, least, greatest = (f"{each * factor:,.{digits}f}" for each in (self.median, self.least, self.greatest))
        return median if least == greatest else f"{median} ({least} to {greatest})"
