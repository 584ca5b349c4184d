"""Runs the command as people do: a process of its own, its streams apart; on real ledgers where a test wants them."""

import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interlock.client.keystore import Keystore
from tests.cli.starting import started, started_alone
from tests.conftest import LedgerServer
from tests.world import OPERATORS

Run = Callable[..., "Ran"]


@dataclass
class Ran:
    """How a run of the command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout: more or less than one line fails."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def error(self) -> dict[str, str]:
        """The error in the document, which holds nothing else."""
        assert list(self.json) == ["error"], self.out
        error: dict[str, str] = self.json["error"]
        assert list(error) == ["code", "field", "message"]
        return error


def command(folder: Path, *words: str, **environment: str) -> Ran:
    """Run the command in a folder, with none of our or Temporal's variables set but those given."""
    return _ran(*started(folder, words, _clean() | environment))


def command_alone(folder: Path, *words: str, **environment: str) -> Ran:
    """The same, by a Python that has loaded nothing before."""
    return _ran(*started_alone(folder, words, _clean() | environment))


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}


def _ran(code: int, out: str, err: str) -> Ran:
    assert "Traceback" not in err, err
    return Ran(code, out, err)


@pytest.fixture
def interlock(tmp_path: Path) -> Run:
    """`interlock(*words, **environment)`, in an empty folder."""

    def run(*words: str, **environment: str) -> Ran:
        return command(tmp_path, *words, **environment)

    return run


@dataclass
class Ledgers:
    """A data folder whose two ledgers run; there is no Temporal."""

    folder: Path

    def run(self, *words: str) -> Ran:
        """Run the command on this folder."""
        return command(self.folder.parent, "--data-dir", str(self.folder), *words)


@pytest.fixture(scope="session")
async def ledgers(ledger_server: LedgerServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ledgers]:
    """A folder as `interlock up` leaves it, with the ledgers' operators as operator-1 and operator-2."""
    folder = tmp_path_factory.mktemp("cli") / "stack"
    keys = Keystore(folder / "keys")
    for number, operator in enumerate(OPERATORS[:2], 1):
        keys.add(f"operator-{number}", operator)
    databases = {ledger: await ledger_server.fresh(ledger) for ledger in ("asset", "payment")}
    files = {
        ledger: {"writer": ledger_server.dsn(database), "reader": ledger_server.dsn(database, "auditor")}
        for ledger, database in databases.items()
    }
    (folder / "ledgers.json").write_text(json.dumps(files))
    yield Ledgers(folder)
    for ledger, database in databases.items():
        await ledger_server.give_back(ledger, database)
