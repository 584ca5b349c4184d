"""The README, done as it says: its commands and its example, copied out of it and run against `interlock up`."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
ACTIVATE = ". .venv/bin/activate"


def blocks(language: str) -> list[str]:
    """The README's code of one language, in order, without what only a clone's own folder needs."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    return [block.replace(ACTIVATE, "") for block in found]


def environment() -> dict[str, str]:
    """An activated venv, and nothing of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "TEMPORAL_"))}
    return clean | {"PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"}


async def shell(script: str, folder: Path) -> str:
    """Run a block as typed; what it printed."""
    typed = await asyncio.create_subprocess_exec(
        "bash", "-ec", script, cwd=folder, env=environment(), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await asyncio.wait_for(typed.communicate(), 120)
    assert typed.returncode == 0, printed.decode()
    return printed.decode()


async def test_the_readme_does_what_it_says(tmp_path: Path) -> None:
    _, _, by_hand, by_sdk, audited = blocks("sh")
    [example] = blocks("python")
    up = await asyncio.create_subprocess_exec(
        "interlock", "up", "--json", cwd=tmp_path, env=environment(), stdin=DEVNULL, stdout=PIPE
    )
    try:
        assert up.stdout is not None
        assert "web_ui" in json.loads(await asyncio.wait_for(up.stdout.readline(), 60))
        printed = await shell(by_hand, tmp_path)
        assert "SETTLED" in printed
        assert "violated" not in printed
        (tmp_path / "trade.py").write_text(example)
        printed = await shell(by_sdk, tmp_path)
        assert re.search(r"alpine: OUSG-\S+ ended SETTLED, verdict PAID, lock released", printed)
        assert re.search(r"northbank: OUSG-\S+ ended SETTLED, verdict PAID, lock released", printed)
        printed = await shell(audited, tmp_path)
        assert "every trace is whole" in printed
        assert printed.splitlines()[-1] == "proven"
    finally:
        up.send_signal(signal.SIGINT)
        await asyncio.wait_for(up.communicate(), 30)
    assert up.returncode == 0
