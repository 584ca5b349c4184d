"""The new versions of the code: copies of the tree with one change to the workflow each, and what the change is."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent, indent

from tests.safeguards.removal import ROOT, Replacement, copy_tree

OPERATIONS = ROOT / "docs" / "operations.md"
WORKFLOW = "interlock/workflows/settlement.py"

CHECKED_TOGETHER = """\
            delivery, payment = await asyncio.gather(
                self.steps.take(CHECK_DELIVERY, signed), self.steps.take(CHECK_PAYMENT, signed)
            )
"""
PAYMENT_FIRST = """\
            payment, delivery = await asyncio.gather(
                self.steps.take(CHECK_PAYMENT, signed), self.steps.take(CHECK_DELIVERY, signed)
            )
"""


def documented_fix() -> str:
    """The fix as docs/operations.md has it, indented as where it belongs."""
    (block,) = re.findall(r"```python\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    return indent(dedent(block), " " * 12)


COMPATIBLE = Replacement(WORKFLOW, 'f"units are in escrow: entry', 'f"units are held in escrow: entry')
"""What is written changes, and no step."""

INCOMPATIBLE = Replacement(WORKFLOW, CHECKED_TOGETHER, PAYMENT_FIRST)
"""The two checks in the other order: every settlement that has checked diverges."""

FIXED = Replacement(WORKFLOW, CHECKED_TOGETHER, documented_fix())
"""The same order, for those that have not checked yet."""


@dataclass(frozen=True)
class Tree:
    """A version of the code, and how a process is made to run it."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes Python find this tree's modules first, wherever it is started."""
        return {"PYTHONPATH": str(self.root), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    @property
    def whole_environment(self) -> dict[str, str]:
        """The same for a child of ours, with nothing of ours or of Temporal's told."""
        told = ("INTERLOCK_", "TEMPORAL_")
        return {name: value for name, value in os.environ.items() if not name.startswith(told)} | self.environment


@contextmanager
def tree_with(change: Replacement) -> Iterator[Tree]:
    """A copy of the tree with that change in it."""
    with TemporaryDirectory(prefix="interlock-upgrade-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        copy_tree(root)
        change.apply(root)
        yield Tree(root)
