"""The whole service on one machine: Postgres, Temporal, four attestors and workers, in one data folder.

Starts and stops them, and tells each process no more than it needs. Every part can be stopped and started alone, so
whoever wants to see what happens when one is missing can.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from interlock.attestors.votes import VoteStore
from interlock.audit.install import install as install_audit
from interlock.ledgers.install import install
from interlock.protocol import Asset, AttestorSet
from interlock.protocol.genesis import Genesis
from interlock.protocol.names import SEARCH_ATTRIBUTES, Role
from interlock.stack.identity import ATTESTORS, AUDIT, LEDGERS, Identity, identity_of, roles_of, write_private
from interlock.stack.leftovers import RunRecord, stop_leftovers
from interlock.stack.lock import DataFolderLock
from interlock.stack.ports import LOOPBACK, keep_ports
from interlock.stack.postgres import EmbeddedPostgres
from interlock.stack.processes import ManagedProcess
from interlock.stack.temporal import NAMESPACE, EmbeddedTemporal
from interlock.worker.settings import told_to

ASSETS = {"asset": Asset(code="OUSG", decimals=18), "payment": Asset(code="USD", decimals=2)}
"""What the ledgers of a new environment keep."""

READY = '{"ready": true'


class EmbeddedStack:
    """One environment in one folder; `start` it, then `stop` it. Raises StackError naming the part that failed."""

    def __init__(self, data_dir: Path, operators: tuple[str, ...], *, sweep_every_seconds: float = 15.0) -> None:
        """`operators` are the addresses that a new environment's ledgers register; an old one keeps its own."""
        self.data_dir = data_dir.absolute()
        self._operators = operators
        self._sweep_every_seconds = sweep_every_seconds
        self._held = AsyncExitStack()
        self.processes: dict[str, ManagedProcess] = {}
        self.closed_roles: tuple[str, ...] = ()
        """The roles of the worker last started that took no work when it said that it was ready; its log says why."""

    async def start(self, *, worker: bool = True) -> None:
        """Start everything, or nothing: what was started is stopped again when a part fails."""
        try:
            await self._start_servers()
            async with asyncio.TaskGroup() as group:
                for number in range(1, ATTESTORS + 1):
                    group.create_task(self.start_attestor(number))
                if worker:
                    group.create_task(self.start_worker())
            self._publish(sorted(set(Role) - {Role.SETTLEMENT}) if worker else [])
        except BaseExceptionGroup as group:
            await self.stop()
            first: BaseException = group
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything, in the reverse order of starting."""
        async with asyncio.TaskGroup() as group:
            for process in self.processes.values():
                group.create_task(process.stop())
        self.processes.clear()
        await self._held.aclose()

    async def _start_servers(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(DataFolderLock(self.data_dir / "lock"))
        await stop_leftovers(self.data_dir / "run.json")
        self._record = RunRecord(self.data_dir / "run.json")
        self._logs = self.data_dir / "logs"
        self.identity = identity_of(self.data_dir / "identity.json")
        attestor_ports = [f"attestor_{number}" for number in range(1, ATTESTORS + 1)]
        names = ["postgres", "temporal", "web_ui", "temporal_http", "temporal_metrics", *attestor_ports]
        self._ports = keep_ports(self.data_dir / "ports.json", names)
        self.postgres = EmbeddedPostgres(self.data_dir, self._ports["postgres"], logs=self._logs, record=self._record)
        self.temporal = EmbeddedTemporal(
            self.data_dir,
            self._ports["temporal"],
            self._ports["web_ui"],
            http_port=self._ports["temporal_http"],
            metrics_port=self._ports["temporal_metrics"],
            search_attributes=SEARCH_ATTRIBUTES,
            logs=self._logs,
            record=self._record,
        )
        self._held.push_async_callback(self.postgres.stop)
        self._held.push_async_callback(self.temporal.stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.temporal.start())
            group.create_task(self._start_ledgers())

    async def _start_ledgers(self) -> None:
        await self.postgres.start()
        async with self.postgres.administration() as databases:
            for name, password in self.identity.passwords.items():
                await databases.ensure_role(name, password)
            for ledger in LEDGERS:
                await databases.ensure_database(ledger, f"{ledger}_owner", roles_of(ledger))
            await databases.ensure_database(
                AUDIT, f"{AUDIT}_owner", [f"{AUDIT}_{role}" for role in ("writer", "reader", "keeper")]
            )
        async with asyncio.TaskGroup() as group:
            audit = self.dsn(AUDIT, f"{AUDIT}_owner")
            writer, reader, keeper = (f"{AUDIT}_{role}" for role in ("writer", "reader", "keeper"))
            group.create_task(install_audit(audit, writer=writer, readers=[reader], keeper=keeper))
            for ledger in LEDGERS:
                genesis = Genesis(
                    ledger=ledger,
                    network=self.identity.network,
                    assets=(ASSETS[ledger],),
                    operators=self._operators,
                    coordinator=self.identity.attestors,
                )
                writer, people, *attestors = roles_of(ledger)
                owner = self.dsn(ledger, f"{ledger}_owner")
                group.create_task(install(owner, genesis, writer=writer, readers=attestors, auditors=[people]))

    def dsn(self, database: str, role: str) -> str:
        """The connection string of one login role."""
        return self.postgres.dsn(database, role, self.identity.passwords[role])

    @property
    def coordinator(self) -> AttestorSet:
        """What terms name."""
        return self.identity.attestors.identity

    @property
    def attestor_urls(self) -> dict[str, str]:
        """Each attestor's address and URL, in the order of their numbers."""
        return {
            signer.address: f"http://{LOOPBACK}:{self._ports[f'attestor_{number}']}"
            for number, signer in enumerate(self.identity.signers, start=1)
        }

    async def start_attestor(self, number: int) -> ManagedProcess:
        """Start attestor 1, 2, 3 or 4. Its votes are created with its key, once."""
        folder = self.data_dir / "attestors" / str(number)
        key, votes = folder / "key", folder / "votes.db"
        signer = self.identity.signers[number - 1]
        if not key.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for unfinished in folder.glob(f"{votes.name}*"):  # SQLite keeps a log beside its file
                unfinished.unlink()
            await VoteStore.create(votes, signer.address).close()
            # the key last and whole: a key that is there has its votes, or has lost them
            write_private(key, signer.private_key.hex())
        environment = {
            "INTERLOCK_ATTESTOR_KEY_FILE": str(key),
            "INTERLOCK_ATTESTOR_VOTES": str(votes),
            "INTERLOCK_ATTESTOR_LISTEN": f"{LOOPBACK}:{self._ports[f'attestor_{number}']}",
            "INTERLOCK_NETWORK": self.identity.network,
            "INTERLOCK_ATTESTORS": self.identity.attestors.model_dump_json(),
            "INTERLOCK_READ_DSNS": json.dumps(
                {ledger: self.dsn(ledger, f"{ledger}_attestor_{number}") for ledger in LEDGERS}
            ),
        }
        return await self.start_process(f"attestor-{number}", "interlock.attestors.main", environment)

    def worker_environment(self, *roles: Role) -> dict[str, str]:
        """What a worker with these roles (all unless given) is told, and nothing that they do not need."""
        whole = {
            "INTERLOCK_ASSET_DSN": self.dsn("asset", "asset_writer"),
            "INTERLOCK_PAYMENT_DSN": self.dsn("payment", "payment_writer"),
            "INTERLOCK_AUDIT_DSN": self.dsn(AUDIT, f"{AUDIT}_writer"),
            "INTERLOCK_AUDIT_KEEPER_DSN": self.dsn(AUDIT, f"{AUDIT}_keeper"),
            **{f"INTERLOCK_{journal.upper()}_SEAL_KEY": key for journal, key in self.identity.seal_keys.items()},
            "INTERLOCK_KEEPERS": json.dumps(self.identity.keepers),
            "INTERLOCK_NETWORK": self.identity.network,
            "INTERLOCK_ATTESTORS": self.identity.attestors.model_dump_json(),
            "INTERLOCK_ATTESTOR_URLS": json.dumps(self.attestor_urls),
            "INTERLOCK_SWEEP_EVERY_SECONDS": str(self._sweep_every_seconds),
            "INTERLOCK_SWEEP_OLDER_THAN_SECONDS": str(min(self._sweep_every_seconds, 30.0)),
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
        }
        return told_to(frozenset(roles or Role), whole)

    async def start_worker(self, name: str = "worker", environment: Mapping[str, str] | None = None) -> ManagedProcess:
        """Start a worker process; with all roles unless its environment says otherwise."""
        told = self.worker_environment() if environment is None else dict(environment)
        process = await self.start_process(name, "interlock.worker.main", told)
        self.closed_roles = tuple(json.loads(await process.line(READY))["closed"])
        return process

    async def start_process(self, name: str, module: str, environment: Mapping[str, str]) -> ManagedProcess:
        """Start one of our own processes, with nothing of ours or of Temporal's in its environment but this."""
        ours = ("INTERLOCK_", "TEMPORAL_")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        process = ManagedProcess(
            name,
            [sys.executable, "-m", module],
            log=self._logs / f"{name}.log",
            record=self._record,
            env={**inherited, **environment},
        )
        await process.start()
        self.processes[name] = process
        await process.line(READY)
        return process

    def _publish(self, local_roles: Sequence[Role]) -> None:
        """What clients and the command line read; the databases' credentials in files for their owner only."""
        client = {
            "temporal": self.temporal.address,
            "namespace": NAMESPACE,
            "web_ui": self.temporal.ui_url,
            "network": self.identity.network,
            "coordinator": self.coordinator.model_dump(mode="json"),
            "attestors": self.attestor_urls,
            "keepers": self.identity.keepers,
            "local_roles": local_roles,
        }
        (self.data_dir / "client.json").write_text(json.dumps(client, indent=1), encoding="utf-8")
        ledgers: dict[str, object] = {
            ledger: {
                "writer": self.dsn(ledger, f"{ledger}_writer"),
                "reader": self.dsn(ledger, f"{ledger}_reader"),
            }
            for ledger in LEDGERS
        }
        write_private(self.data_dir / "ledgers.json", json.dumps(ledgers, indent=1))
        audit = {"reader": self.dsn(AUDIT, f"{AUDIT}_reader")}
        write_private(self.data_dir / "audit.json", json.dumps(audit, indent=1))


__all__ = ["EmbeddedStack", "Identity"]
