"""What each check said of each tree, kept in one file so that a run that was broken off goes on where it was."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.safeguards.checks import Check
from tests.safeguards.removal import Safeguard

NOTHING_REMOVED = "nothing removed"


@dataclass(frozen=True)
class Result:
    """`noticed` is what the check found, empty if nothing; `broken` why it could not be asked; `seconds` it took."""

    noticed: str = ""
    broken: str = ""
    seconds: float = 0.0


class Results:
    """Results by tree and check: what was removed in another way before counts no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, Result] = {}
        self._read()

    def of(self, safeguard: Safeguard | None, check: Check) -> Result | None:
        """What the check said with this safeguard removed, or with none."""
        return self._kept.get(_key(safeguard, check))

    def keep(self, safeguard: Safeguard | None, check: Check, result: Result) -> None:
        """Write it down at once; what could not be asked, or is red with nothing removed, is asked again next time."""
        if not result.broken and (safeguard is not None or not result.noticed):
            self._read()  # another run, of other checks, may be writing too
            self._kept[_key(safeguard, check)] = result
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps({key: asdict(each) for key, each in self._kept.items()}, indent=1))

    def _read(self) -> None:
        if self._path.is_file():
            self._kept |= {key: Result(**each) for key, each in json.loads(self._path.read_text()).items()}


def _key(safeguard: Safeguard | None, check: Check) -> str:
    tree = f"{safeguard.name} {safeguard.digest}" if safeguard else NOTHING_REMOVED
    return f"{tree} | {check.kind} {check.name}"
