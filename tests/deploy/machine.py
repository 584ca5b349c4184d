"""Runs what a compose file says, on loopback and with no container engine: our services as they stand in the file.

A service's command and environment are the file's, but that `host:port` becomes a port of this machine's, and a mount's
place the folder that is mounted there. Postgres and Temporal are the embedded ones.
"""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from interlock.stack.leftovers import RunRecord
from interlock.stack.ports import LOOPBACK, keep_ports
from interlock.stack.postgres import EmbeddedPostgres
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import EmbeddedTemporal
from tests.deploy.compose import REPOSITORY, Service, read

READY_WITHIN_SECONDS = 60.0
_ADDRESS = re.compile(r"\b(?P<host>[a-z][a-z0-9-]*|0\.0\.0\.0|127\.0\.0\.1):(?P<port>[0-9]{2,5})\b")
_PROGRAMS = Path(sys.executable).parent


class Machine:
    """One machine that a compose file is brought up on. `stop` it in the end."""

    def __init__(self, folder: Path, file: str, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.services = read(file, variables)
        self.processes: dict[str, ManagedProcess] = {}
        self._variables = variables
        self._record = RunRecord(folder / "run.json")
        self._logs = folder / "logs"
        self._ports = self._chosen_ports()
        self._up: dict[str, asyncio.Task[None]] = {}
        self._servers: list[EmbeddedPostgres | EmbeddedTemporal] = []

    def stands_in(self, host: str, port: int, here: int) -> None:
        """Something of the test's that listens in place of a service; say so before `up`."""
        self._ports[f"{host}:{port}"] = here

    async def up(self) -> None:
        """Bring up every service that needs no profile; return when all run and are healthy."""
        async with asyncio.TaskGroup() as group:
            for service in self.services.values():
                if not service.profiles:
                    group.create_task(self._brought_up(service.name))
        for service in self.services.values():
            if service.name in self.processes and service.healthcheck:
                await self._healthy(service)

    async def stop(self) -> None:
        """Stop everything, our processes first."""
        async with asyncio.TaskGroup() as group:
            for process in self.processes.values():
                group.create_task(process.stop())
        for server in self._servers:
            await server.stop()

    async def run(self, name: str, *words: str) -> str:
        """`docker compose run --rm NAME WORDS`: what it says on stdout. Fails unless it ends with 0."""
        service = self.services[name]
        argv, environment = self.told(service, [*service.entrypoint, *(words or service.command)])
        process = await self._spawned(service, argv, environment)
        out, err = await asyncio.wait_for(process.communicate(), READY_WITHIN_SECONDS)
        assert process.returncode == 0, f"{name} ended with {process.returncode}: {err.decode()}"
        return out.decode().strip()

    def told(self, service: Service, command: list[str]) -> tuple[list[str], dict[str, str]]:
        """A command, and the whole environment, as they are on this machine."""
        environment = {name: self._here(service, value) for name, value in service.environment.items()}
        path = os.pathsep.join([str(_PROGRAMS), os.defpath])
        return [self._here(service, word) for word in command], {"PATH": path, **environment}

    def port(self, host: str, port: int) -> int:
        """The port of this machine that stands for a service's."""
        return self._ports[f"{host}:{port}"]

    def volume(self, name: str) -> Path:
        """The folder that stands for a named volume, or for what is mounted from the repository."""
        if name.startswith("./"):
            return REPOSITORY / name
        folder = self.folder / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _chosen_ports(self) -> dict[str, int]:
        """All at once, before anything listens, so that no two get the same one."""
        names = {"temporal:7243", "temporal:9090", "temporal-ui:8080"}
        for service in self.services.values():
            for text in [*service.command, *service.environment.values(), *service.healthcheck]:
                for match in _ADDRESS.finditer(text):
                    host = service.name if match["host"][0].isdigit() else match["host"]
                    names |= {f"{host}:{match['port']}"} if host in self.services else set()
        return keep_ports(self.folder / "ports.json", sorted(names))

    def _here(self, service: Service, text: str) -> str:
        def address(match: "re.Match[str]") -> str:
            host = service.name if match["host"][0].isdigit() else match["host"]
            return f"{LOOPBACK}:{self.port(host, int(match['port']))}" if host in self.services else match[0]

        for place, mounted in service.mounts.items():
            text = text.replace(place, str(self.volume(mounted)))
        return _ADDRESS.sub(address, text)

    async def _brought_up(self, name: str) -> None:
        if name not in self._up:
            self._up[name] = asyncio.create_task(self._bring_up(self.services[name]))
        await self._up[name]

    async def _bring_up(self, service: Service) -> None:
        for name, condition in service.needs.items():
            await self._brought_up(name)
            if condition == "service_healthy" and self.services[name].is_ours:
                await self._healthy(self.services[name])
        if service.name == "postgres":
            await self._start_postgres()
        elif service.name == "temporal":
            await self._start_temporal()
        elif service.is_ours and self._runs_once(service):
            await self.run(service.name)
        elif service.is_ours:
            argv, environment = self.told(service, [*service.entrypoint, *service.command])
            process = ManagedProcess(
                service.name, argv, log=self._logs / f"{service.name}.log", record=self._record, env=environment
            )
            await process.start()
            self.processes[service.name] = process
        elif service.name == "temporal-namespace":
            await self.run(service.name)

    def _runs_once(self, service: Service) -> bool:
        waited = [each.needs.get(service.name) for each in self.services.values()]
        return "service_completed_successfully" in waited

    async def _healthy(self, service: Service) -> None:
        """Until the file's own health check passes, as long as the process lives."""
        assert service.healthcheck, f"{service.name} is waited for and has no health check"
        argv, environment = self.told(service, service.healthcheck)

        ports = [int(match["port"]) for word in argv for match in _ADDRESS.finditer(word)]

        async def passes() -> bool:
            if not all([await _listens(port) for port in ports]):  # spares most of the checks while it starts
                return False
            process = await self._spawned(service, argv, environment)
            await process.communicate()
            return process.returncode == 0

        await self.processes[service.name].until(passes, READY_WITHIN_SECONDS)

    async def _spawned(self, service: Service, argv: list[str], environment: Mapping[str, str]) -> Process:
        place = self.folder / "places" / service.name
        place.mkdir(parents=True, exist_ok=True)
        program, *words = argv
        found = _PROGRAMS / program
        return await asyncio.create_subprocess_exec(
            str(found) if found.exists() else program,
            *words,
            cwd=place,
            env=environment,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def _start_postgres(self) -> None:
        password = self.folder / "postgres-password"
        password.write_text(self.services["postgres"].environment["POSTGRES_PASSWORD"])
        server = EmbeddedPostgres(self.folder, self.port("postgres", 5432), logs=self._logs, record=self._record)
        self._servers.append(server)
        await server.start()

    async def _start_temporal(self) -> None:
        server = EmbeddedTemporal(
            self.folder,
            self.port("temporal", 7233),
            self.port("temporal-ui", 8080),
            http_port=self.port("temporal", 7243),
            metrics_port=self.port("temporal", 9090),
            search_attributes={},  # a cluster of one's own knows none of ours until it is told
            logs=self._logs,
            record=self._record,
        )
        self._servers.append(server)
        await server.start()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
