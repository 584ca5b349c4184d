"""Starts the command as people do, in a process of its own, that is forked from one with the command's modules loaded.

What a process loads takes far longer than what most verbs do, and hundreds are run. Where the loading itself is looked
at, Python is started (test_frame.py).
"""

import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import interlock.cli
from interlock.cli.main import run

TIMEOUT_SECONDS = 60.0


def started(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run it in that folder with that environment and nothing on stdin; its exit code, and what it printed where."""
    with tempfile.TemporaryDirectory(prefix="interlock-command-") as kept:
        out, err = Path(kept) / "out", Path(kept) / "err"
        for each in (out, err):  # there is something to read, whatever becomes of the process
            each.touch()
        process = _loaded().Process(target=_be, args=(folder, tuple(words), dict(environment), out, err))
        process.start()
        process.join(TIMEOUT_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"interlock {' '.join(words)} is not done in {TIMEOUT_SECONDS:g} s: {err.read_text()}")
        return process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


def started_alone(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """The same, by a Python that has loaded nothing before."""
    done = subprocess.run(
        [sys.executable, "-m", "interlock.cli.main", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@cache
def _loaded() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [f"interlock.cli.{each.name}" for each in pkgutil.iter_modules(interlock.cli.__path__)]
    )
    return context


def _be(folder: Path, words: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["interlock", *words]
    run()
