"""Runs checks in scratch copies of the tree, one copy for each safeguard; ends what it started, and leaves nothing."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.safeguards.checks import Check
from tests.safeguards.removal import Safeguard, copy_tree
from tests.safeguards.results import Result

_ENDS_WITHIN_SECONDS = 30.0


@contextmanager
def tree_without(safeguard: Safeguard | None) -> Iterator[Path]:
    """A copy of the tree, with the safeguard taken out. Raises DoesNotApply, or RuntimeError if it would not be run."""
    with tempfile.TemporaryDirectory(prefix="interlock-safeguards-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        copy_tree(root)
        if safeguard is not None:
            safeguard.take_out(root)
        said = subprocess.run(
            [sys.executable, "-c", "import interlock, tests.world; print(interlock.__file__, tests.world.__file__)"],
            cwd=root,
            env=_environment(root),
            capture_output=True,
            text=True,
            check=False,
        )
        if [Path(each).is_relative_to(root) for each in said.stdout.split()] != [True, True]:
            raise RuntimeError(f"the copy in {root} would not run its own code: {said.stdout}{said.stderr}")
        yield root


def ask(check: Check, root: Path) -> Result:
    """Run a check in a tree. That it takes too long is no finding: a check that waits for an end gives up by itself."""
    started = time.monotonic()
    with (root / "output").open("wb") as output:
        process = subprocess.Popen(
            check.command,
            cwd=root,
            env=_environment(root) | dict(check.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(check.limit_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    seconds = round(time.monotonic() - started, 1)
    said = (root / "output").read_text(errors="replace")
    if code is None:
        return Result(broken=f"it had not ended after {check.limit_seconds:.0f} s", seconds=seconds)
    try:
        return Result(noticed=check.noticed(code, said) or "", seconds=seconds)
    except ValueError as error:
        return Result(broken=str(error), seconds=seconds)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let it stop what it started; then be rid of its group."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200", "NO_COLOR": "1"}
