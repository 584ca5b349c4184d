"""Owns which loopback ports the stack listens on; refuses to promise that they stay free until bound."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from interlock.stack.errors import StackError

LOOPBACK = "127.0.0.1"

# Below every usual ephemeral range (Linux starts at 32768): the kernel cannot hand one of these to an
# outgoing connection between our choice and the server's bind, nor between one start and the next.
_LOWEST, _HIGHEST = 20_000, 29_999
_ATTEMPTS = 200


def keep_ports(path: Path, names: Sequence[str]) -> dict[str, int]:
    """A port for each name: the one used last time unless it is taken, else a new one. Kept in `path`.

    Call it once leftovers of an earlier run are stopped: they would hold the ports that are to be kept.
    """
    stored = _stored(path)
    with ExitStack() as bound:  # held together until all are chosen, so that no two names get the same one
        chosen: dict[str, int] = {}
        newcomers: list[str] = []
        for name in names:
            port = stored.get(name)
            if port is not None and _bind(port, bound):
                chosen[name] = port
            else:
                newcomers.append(name)
        for name in newcomers:
            chosen[name] = _free_port(name, bound)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps({**stored, **chosen}, indent=1, sort_keys=True) + "\n")
    fresh.replace(path)
    return {name: chosen[name] for name in names}


def _stored(path: Path) -> dict[str, int]:
    """What an earlier run used; an unreadable file costs new ports, and nothing else."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: port for name, port in content.items() if isinstance(port, int) and 0 < port < 2**16}


def _free_port(name: str, bound: ExitStack) -> int:
    for _ in range(_ATTEMPTS):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1)
        if _bind(port, bound):
            return port
    raise StackError(name, f"no free port found on {LOOPBACK} between {_LOWEST} and {_HIGHEST}")


def _bind(port: int, bound: ExitStack) -> bool:
    candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As the servers do it: connections of the last run that still linger in TIME_WAIT do not count as taken.
    candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        candidate.bind((LOOPBACK, port))
    except OSError:
        candidate.close()
        return False
    bound.enter_context(candidate)
    return True
