"""A whole embedded stack that tests of the settlement verbs share: started with `interlock up`, as people do.

Seller `alpine` and buyer `northbank` own accounts of the same names on both ledgers; `poor` owns accounts and nothing
in them. Which trades are settled on it is the tests' business.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from tests.cli.conftest import Ran, command

PARTIES = ("alpine", "northbank", "poor")


@dataclass
class Stack:
    """A running stack, and how to call the command on it."""

    folder: Path
    process: "subprocess.Popen[str]"
    where: dict[str, Any]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, *words: str) -> Ran:
        """The command on this stack, for scripts: with --json."""
        return command(self.folder.parent, *words, "--json", INTERLOCK_DATA_DIR=str(self.folder))

    def say(self, *words: str) -> Ran:
        """The command on this stack, for people."""
        return command(self.folder.parent, *words, INTERLOCK_DATA_DIR=str(self.folder))

    def trade(self, **changes: Any) -> dict[str, Any]:
        """A trade under a fresh settlement id; `quantity`, `amount`, `seconds`, `buyer` change what they say."""
        buyer = changes.get("buyer", "northbank")
        settle_by = datetime.now(UTC) + timedelta(seconds=changes.get("seconds", 3600))
        return {
            "settlement_id": changes.get("settlement_id", f"CLI-{next(self.numbers):04d}"),
            "delivery": {
                "ledger": "asset",
                "asset": "OUSG",
                "quantity": changes.get("quantity", "2.50"),
                "deliverer": "alpine",
                "receiver": buyer,
            },
            "payment": {
                "ledger": "payment",
                "asset": "USD",
                "quantity": changes.get("amount", "285.00"),
                "deliverer": buyer,
                "receiver": "alpine",
            },
            "settle_by": settle_by.isoformat().replace("+00:00", "Z"),
        }

    def file(self, trade: dict[str, Any] | str, name: str = "trade.json") -> str:
        """A file with this trade, or this text, in it."""
        path = self.folder.parent / name
        path.write_text(trade if isinstance(trade, str) else json.dumps(trade, indent=2))
        return str(path)

    def balances(self) -> dict[tuple[str, str], dict[str, str]]:
        """What every account holds."""
        accounts = self.run("ledger", "accounts").json["accounts"]
        return {(each["ledger"], each["account"]): each["balances"] for each in accounts}

    def child(self, *words: str) -> psutil.Process:
        """The one process of the stack whose command line has these words."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        (found,) = [each for each in children if all(word in " ".join(each.cmdline()) for word in words)]
        return found


@contextmanager
def settling_stack(folder: Path) -> Iterator[Stack]:
    """Up, with the parties' keys and accounts, the seller's units and the buyer's cash."""
    words = [sys.executable, "-m", "interlock.cli.main", "up", "--json", "--data-dir", str(folder)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}
    with subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            stack = Stack(folder, process, json.loads(process.stdout.readline()))
            _fund(stack)
            yield stack
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def _fund(stack: Stack) -> None:
    for name in PARTIES:
        assert stack.run("keys", "new", name).code == 0
        for ledger in ("asset", "payment"):
            assert stack.run("ledger", "open", ledger, name, "--owner", name).code == 0
    assert stack.run("ledger", "mint", "asset", "alpine", "OUSG", "100000").code == 0
    assert stack.run("ledger", "mint", "payment", "northbank", "USD", "10000000").code == 0
