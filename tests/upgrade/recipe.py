"""The recipe of docs/operations.md: its commands, copied out of it by the names of their blocks, and run as typed."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path

from tests.upgrade.changes import OPERATIONS

LIMIT_SECONDS = 300.0


def commands(name: str) -> str:
    """The block of that name; the deployment's name, which all need, before it."""
    text = OPERATIONS.read_text()
    (export,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    (block,) = re.findall(rf"```sh {name}\n(.*?)```", text, re.DOTALL)
    return f"{export}{block}"


class Operator:
    """Somebody who types what the page says, where nothing is known but Temporal's address and the two builds."""

    def __init__(self, folder: Path, address: str, old: str, new: str) -> None:
        self._folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}
        self._environment = clean | {
            "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}",
            "TEMPORAL_ADDRESS": address,
            "OLD": old,
            "NEW": new,
        }

    async def types(self, script: str) -> str:
        """Run it; what was printed. Fails if a command does."""
        typed = await asyncio.create_subprocess_exec(
            "bash", "-ec", script, cwd=self._folder, env=self._environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
        )
        printed, _ = await asyncio.wait_for(typed.communicate(), LIMIT_SECONDS)
        assert typed.returncode == 0, f"{script}\n{printed.decode()}"
        return printed.decode()

    async def does(self, name: str) -> str:
        """Run the page's block of that name."""
        return await self.types(commands(name))
