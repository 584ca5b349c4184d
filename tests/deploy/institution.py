"""One institution of several: a folder, an environment and processes that no other sees. Knows no other institution."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import psutil

from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import keep_ports
from interlock.stack.postgres import EmbeddedPostgres
from interlock.stack.processes import ManagedProcess

PROGRAM = str(Path(sys.executable).parent / "interlock")
READY = '{"ready": true'
WITHIN_SECONDS = 60.0


class Institution:
    """What one institution runs. Everything it is told is `environment`, and what a command adds."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(mode=0o700)
        self.environment = {"PATH": os.defpath, "INTERLOCK_DATA_DIR": str(self.folder)}
        self.passwords: dict[str, str] = {}
        self.processes: dict[str, ManagedProcess] = {}
        self.record = RunRecord(self.folder / "run.json")
        self.logs = self.folder / "logs"
        self.postgres: EmbeddedPostgres | None = None

    async def start_postgres(self) -> None:
        """A server of its own."""
        port = keep_ports(self.folder / "ports.json", ["postgres"])["postgres"]
        self.postgres = EmbeddedPostgres(self.folder, port, logs=self.logs, record=self.record)
        await self.postgres.start()

    def dsn(self, database: str, role: str) -> str:
        """How a role connects to this institution's server; a new role gets its password here."""
        assert self.postgres is not None
        return self.postgres.dsn(database, role, self.password(role))

    def password(self, role: str) -> str:
        """The role's password."""
        if role == "postgres":
            return (self.folder / "postgres-password").read_text()
        return self.passwords.setdefault(role, secrets.token_urlsafe(24))

    def logins(self, *roles: str) -> str:
        """Roles with their passwords, as `interlock install` is told them."""
        return json.dumps({role: self.password(role) for role in roles})

    async def run(self, *words: str, **environment: str) -> str:
        """One run of the command, in this institution's environment; fails unless it ends with 0."""
        return await self.execute(PROGRAM, *words, **environment)

    async def execute(self, *argv: str, **environment: str) -> str:
        """One run of any program."""
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=self.folder, env=self.environment | environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), WITHIN_SECONDS)
        assert process.returncode == 0, f"{self.name}: {argv}: {err.decode()}"
        return out.decode().strip()

    async def start(self, name: str, *words: str, **environment: str) -> None:
        """Start a process of the service; return when it says that it is ready."""
        log = self.logs / f"{name}.log"
        told = self.environment | environment
        process = ManagedProcess(name, [PROGRAM, *words], log=log, record=self.record, env=told)
        self.processes[name] = process
        await process.start()
        await process.line(READY, WITHIN_SECONDS)

    async def stop(self) -> None:
        """Stop everything of it."""
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        if self.postgres is not None:
            await self.postgres.stop()

    def connected_to(self) -> set[int]:
        """The ports that its processes are connected to, of those that somebody listens on."""
        connections = [
            each
            for process in self.processes.values()
            for each in psutil.Process(process.pid).net_connections("tcp")
            if each.raddr and each.status == psutil.CONN_ESTABLISHED
        ]
        return {each.raddr.port for each in connections}

    def told(self) -> str:
        """Everything that its processes were told."""
        return "".join(Path(f"/proc/{process.pid}/environ").read_text() for process in self.processes.values())
