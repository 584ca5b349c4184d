"""What has been measured, read back: figures over the repeats, and ratios within each repeat. Writes nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.results import FOLDER, Sample, read


@dataclass(frozen=True)
class Measured:
    """The parts that are there, as they were stored."""

    parts: Mapping[str, Mapping[str, Any]]

    @classmethod
    def kept(cls, folder: Path = FOLDER) -> "Measured":
        """Whatever a folder holds."""
        found = {path.stem: read(path) for path in sorted(folder.glob("*.json"))}
        return cls({name: part for name, part in found.items() if part is not None})

    def samples(self, part: str, **key: object) -> Iterator[Sample]:
        """Those of a part with these fields."""
        for sample in self.parts.get(part, {}).get("samples", ()):
            if key.items() <= sample.items():
                yield sample

    def figure(self, part: str, field: str | Callable[[Sample], float | None], **key: object) -> Figure | None:
        """A field (`cpu.postgres`: one in `cpu`), or what is made of a sample, over the repeats; None without any."""
        found = (field(sample) if callable(field) else _in(sample, field) for sample in self.samples(part, **key))
        values = [value for value in found if value is not None]
        return Figure.of(values) if values else None

    def ratio(self, part: str, field: str, over: Mapping[str, object], **key: object) -> Figure | None:
        """How many times what other samples show, repeat by repeat; `over` is how their key differs."""
        ratios = [
            sample[field] / other[field]
            for sample in self.samples(part, **key)
            for other in self.samples(part, **{**key, **over, "repeat": sample["repeat"]})
            if field in sample and other.get(field)
        ]
        return Figure.of(ratios) if ratios else None


def _in(sample: Sample, field: str) -> float | None:
    name, _, rest = field.partition(".")
    found = sample.get(name)
    return _in(found, rest) if rest and isinstance(found, dict) else found
