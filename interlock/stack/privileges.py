"""Owns how root runs a server that refuses to run as root; changes no folder's permissions."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from interlock.stack.errors import StackError

_CANDIDATES = ("postgres", "interlock", "nobody")


@dataclass(frozen=True)
class SystemUser:
    """An account that a child runs as in root's place."""

    name: str
    uid: int
    gid: int


def system_user() -> SystemUser | None:
    """Whom to run as: None means as we are, because we are not root."""
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(name, entry.pw_uid, entry.pw_gid)
    raise StackError("postgres", f"refuses to run as root, and there is no user {' or '.join(_CANDIDATES)}")


def run_as(user: SystemUser | None, reaching: Iterable[Path]) -> list[str]:
    """What to put before a command so that it runs as `user` and can still open the files in `reaching`.

    Where those lie below a folder that only root may enter (root's home, a private temporary folder), the
    child keeps one capability and hands it to its own children: to pass permissions that stand in its way.
    The secure bit keeps that in force for access(2) too, which Postgres asks before it runs its programs.
    """
    if user is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("postgres", "refuses to run as root: run as another user, or install util-linux's setpriv")
    drop = [setpriv, f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups"]
    if all(_open_to_all(path) for path in reaching):
        return drop
    keep = "+dac_override"
    return [*drop, "--securebits=+no_setuid_fixup", f"--inh-caps={keep}", f"--ambient-caps={keep}"]


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
