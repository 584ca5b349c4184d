"""A safeguard and how it is taken out: exact texts of product files, and what stands in their place.

Applies to a scratch copy only, and refuses to when a text is not there exactly once.
"""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.safeguards.checks import Check

ROOT = Path(__file__).parents[2]


class DoesNotApply(Exception):  # noqa: N818 - it says what happened
    """The product has changed under a removal: the text that it takes out is not there, or not once."""


@dataclass(frozen=True)
class Replacement:
    """`old` stands exactly once in `file`, which is seen from the root; with no `old` the file is new."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The file's text afterwards."""
        if text.count(self.old) != 1 or self.old == self.new:
            times = "not there" if self.old not in text else "there more than once, or replaced by itself"
            raise DoesNotApply(f"{self.file}: what is to be taken out is {times}: {self.old.strip().splitlines()[0]}")
        return text.replace(self.old, self.new)

    def apply(self, root: Path) -> None:
        """Change the file under that root."""
        path = root / self.file
        if not self.old:
            if path.exists():
                raise DoesNotApply(f"{self.file} is there already")
            path.write_text(self.new)
            return
        if not path.is_file():
            raise DoesNotApply(f"{self.file} is not there")
        path.write_text(self.applied(path.read_text()))


@dataclass(frozen=True)
class Safeguard:
    """Something that keeps a settlement right; `removed` says what is taken out, `layers` what stood behind it."""

    name: str
    removed: str
    replacements: tuple[Replacement, ...]
    checks: tuple[Check, ...]
    layers: str = ""
    listed: bool = False
    """Whether it must be noticed by a model, the matrix or chaos, and not only by tests written for it."""

    @property
    def digest(self) -> str:
        """Changes with what is taken out."""
        return hashlib.sha256(repr(self.replacements).encode()).hexdigest()[:16]

    def take_out(self, root: Path) -> None:
        """Take it out of the tree under that root. Raises DoesNotApply, naming the safeguard."""
        for each in self.replacements:
            try:
                each.apply(root)
            except DoesNotApply as error:
                raise DoesNotApply(f"{self.name}: {error}") from None


def copy_tree(to: Path) -> None:
    """Copy every file that git knows or would take, as it stands now."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (source := ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(source.read_bytes())
