"""Applies a mutation to a copy of the tree, and asks there: the fingerprint, the corpus, and the linter."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mutation import Mutation
from tests.safeguards.removal import ROOT, copy_tree

LIMIT_SECONDS = 600.0
HASH_SEEDS = ("1", "2", "3")
LONGEST_TEXT = 180


@dataclass(frozen=True)
class Seen:
    """What each check said of a mutated tree, in its own words; empty where it noticed nothing."""

    fingerprint: str
    replay: str
    lint: str


class CouldNotAsk(Exception):  # noqa: N818 - it says what happened
    """A check neither passed nor noticed anything: it broke."""


@contextmanager
def mutated(mutation: Mutation | None) -> Iterator[Path]:
    """A copy of the tree with the mutation in it, or as it is."""
    with tempfile.TemporaryDirectory(prefix="interlock-mutations-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        copy_tree(root)
        if mutation is not None:
            mutation.apply(root)
        yield root


def look(mutation: Mutation | None) -> Seen:
    """Ask all three. Raises CouldNotAsk naming the check that broke."""
    with mutated(mutation) as root, ThreadPoolExecutor(2) as both:
        fingerprint, replay = both.submit(_fingerprint, root), both.submit(_replay, root)
        return Seen(fingerprint.result(), replay.result(), _lint(root))


def _fingerprint(root: Path) -> str:
    """In brief first, under each hash seed; in full where that notices nothing."""
    for seed in HASH_SEEDS:
        said = _run(root, seed, "-m", "tests.fingerprint", "--brief")
        if said.returncode != 0:
            break
    else:
        said = _run(root, "0", "-m", "tests.fingerprint")
    if said.returncode == 0:
        return ""
    if "Open settlements could not go on" not in said.stdout:
        # a tree that cannot even be imported has been noticed, as soon as anybody looks
        return short(f"does not run: {_last_line(said.stderr)}")
    [first, *rest] = [line.strip() for line in said.stdout.partition("\n\n")[2].splitlines() if line.startswith("  ")]
    return short(" ".join([first, *rest[:2]]) if rest and rest[0].startswith("command") else first)


def _replay(root: Path) -> str:
    said = _run(root, "0", "-m", "interlock.cli.main", "replay", "tests/histories", "--json")
    try:
        answer = json.loads(said.stdout)
    except ValueError:
        raise CouldNotAsk(f"replay: {said.stdout}{said.stderr}") from None
    if "error" in answer:
        return short(f"does not run: {answer['error']['message']}")
    parted = [each["parting"] for each in answer["results"] if not each["replays"]]
    if (said.returncode == 0) is bool(parted):
        raise CouldNotAsk(f"replay: exit code {said.returncode}: {said.stdout[:2000]}{said.stderr}")
    return short(f"event {parted[0]['event_id']} {parted[0]['event']}; wants {parted[0]['wanted']}") if parted else ""


def _lint(root: Path) -> str:
    """Only what is about determinism: any other rule's finding says nothing of open settlements."""
    rooms = ["interlock/workflows", "interlock/protocol"]
    ruff = Path(sys.executable).with_name("ruff")
    said = subprocess.run(
        [ruff, "check", "--select", "TID251", "--output-format", "concise", "--no-cache", *rooms],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    found = [line for line in said.stdout.splitlines() if "TID251" in line]
    if said.returncode not in (0, 1) or bool(found) is not (said.returncode == 1):
        raise CouldNotAsk(f"ruff: {said.stdout}{said.stderr}")
    return short(found[0].partition("TID251 ")[2]) if found else ""


def _run(root: Path, seed: str, *words: str) -> "subprocess.CompletedProcess[str]":
    ours = ("INTERLOCK_", "TEMPORAL_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env={**clean, "PYTHONPATH": str(root), "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


__all__ = ["ROOT", "CouldNotAsk", "Seen", "look", "mutated", "short"]
