"""Where a verb finds the stack: its data folder or environment, the client, the ledgers, the keys. Starts nothing.

The folder is --data-dir, else INTERLOCK_DATA_DIR, else ./.interlock if it exists. `interlock up` writes into it
client.json (what any client may know), ledgers.json and audit.json (DSNs, for this machine's owner only).
Without a folder, or with one that holds keys and no client.json, the TEMPORAL_* environment names the server,
INTERLOCK_ASSET_DSN, INTERLOCK_PAYMENT_DSN and INTERLOCK_AUDIT_READER_DSN the databases, INTERLOCK_KEEPERS the keepers.
"""

# ruff: noqa: PLC0415 - a verb pays only for what it uses

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from interlock.cli.errors import CliError, unreachable
from interlock.cli.output import Output

if TYPE_CHECKING:  # each costs a third of a second or an extra: imported when first used
    from interlock.audit.journals import Journal
    from interlock.client import SettlementClient
    from interlock.client.connection import Connection
    from interlock.client.keystore import Keystore
    from interlock.ledgers.connections import Connections
    from interlock.ledgers.postgres import PostgresLedger
    from interlock.proof.trust import Trust
    from interlock.protocol import AttestorSet

DEFAULT_FOLDER = Path(".interlock")
LEDGERS = ("asset", "payment")
POOL_SIZE = 4
REACH_SECONDS = 8.0
"""How long a server, or a worker, may take to answer: the promise is 10 seconds, and the process has to start too."""

READ_SECONDS = 60.0
"""How long one question to a database that answers may take."""


class Context:
    """One run of the command: its output, and lazily everything that its verb asks for. An async context manager."""

    def __init__(self, data_dir: Path | None, output: Output) -> None:
        self.output = output
        named = data_dir or (Path(env) if (env := os.environ.get("INTERLOCK_DATA_DIR")) else None)
        found = named or (DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else None)
        elsewhere = "TEMPORAL_ADDRESS" in os.environ and found is not None and not (found / "client.json").exists()
        self.data_dir = None if elsewhere else found
        self.home = found or DEFAULT_FOLDER
        """The data folder, or where a new one would be made: for verbs that need no running stack."""
        self._open = contextlib.AsyncExitStack()
        self._client: SettlementClient | None = None

    @property
    def as_json(self) -> bool:
        """Whether a script reads the answer."""
        return self.output.as_json

    @cached_property
    def keystore(self) -> "Keystore":
        """The keys in the data folder."""
        from interlock.client.keystore import Keystore

        return Keystore(self.home / "keys")

    @cached_property
    def connection(self) -> "Connection":
        """Where Temporal is, the network and the coordinator, as the client finds them; connects to nothing."""
        from interlock.client.connection import configured

        return configured(data_dir=self.data_dir)

    @property
    def network(self) -> str:
        """The network id that everything is signed for."""
        return self.connection.network

    @property
    def coordinator(self) -> "AttestorSet":
        """The attestor set that new terms name."""
        return self.connection.coordinator

    async def client(self) -> "SettlementClient":
        """The connected client, the same one each time; closed when the verb ends."""
        if self._client is None:
            from interlock.cli.quiet import quiet
            from interlock.client import SettlementClient

            quiet()
            client = await SettlementClient.connect(
                data_dir=self.data_dir, answer_within=timedelta(seconds=REACH_SECONDS)
            )
            self._client = await self._open.enter_async_context(client)
        return self._client

    def attestor_urls(self) -> dict[str, str]:
        """Where each attestor answers, by its address; empty where nobody has said so."""
        if self.data_dir is not None:
            return dict(self._file("client.json").get("attestors", {}))
        try:
            return dict(json.loads(os.environ.get("INTERLOCK_ATTESTOR_URLS") or "{}"))
        except ValueError as error:
            raise CliError("invalid", f"INTERLOCK_ATTESTOR_URLS is not JSON: {error}", "attestor_urls") from error

    def ledger_names(self) -> tuple[str, ...]:
        """The ledgers that this stack has."""
        return LEDGERS if self.data_dir is None else tuple(self._file("ledgers.json"))

    def ledger_dsn(self, name: str, *, write: bool = False) -> str:
        """The DSN of a ledger's reader or writer role; an unknown ledger is refused by name."""
        if name not in self.ledger_names():
            known = " or ".join(self.ledger_names())
            raise CliError("unknown_ledger", f"there is no ledger `{name}`: it is {known}", "ledger")
        if self.data_dir is not None:
            return str(self._said("ledgers.json", name)["writer" if write else "reader"])
        variable = f"INTERLOCK_{name.upper()}_DSN"
        if dsn := os.environ.get(variable):
            return dsn
        raise unreachable(f"no stack found: run `interlock up`, name its folder with --data-dir, or set {variable}")

    @contextlib.asynccontextmanager
    async def ledger(self, name: str, *, write: bool = False) -> "AsyncIterator[PostgresLedger]":
        """A connected ledger, by its reader role unless `write`; not reached within 10 seconds: exit 3."""
        dsn = self.ledger_dsn(name, write=write)
        from interlock.ledgers.faults import LedgerUnreachable
        from interlock.ledgers.postgres import PostgresLedger

        try:
            async with asyncio.timeout(REACH_SECONDS):
                ledger = await PostgresLedger.connect(dsn, pool_size=POOL_SIZE)
        except (LedgerUnreachable, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            raise unreachable(f"the {name} ledger is not reachable ({reason}): {self._start_hint()}") from error
        async with ledger:
            yield ledger

    @cached_property
    def keepers(self) -> dict[str, str]:
        """Whose seals count, by journal: asset, payment, audit. Refused where nobody has said so."""
        if self.data_dir is not None:
            return {name: str(address) for name, address in dict(self._said("client.json", "keepers")).items()}
        text = os.environ.get("INTERLOCK_KEEPERS")
        if not text:
            raise CliError("not_configured", "set INTERLOCK_KEEPERS: whose seals count, by journal", "keepers")
        try:
            return {str(name): str(address) for name, address in dict(json.loads(text)).items()}
        except (ValueError, TypeError) as error:
            raise CliError("invalid", f"INTERLOCK_KEEPERS is no JSON object: {error}", "keepers") from error

    @property
    def trust(self) -> "Trust | None":
        """The keys by which proofs are checked, as this place knows them; None where it knows none."""
        from interlock.proof.trust import Trust

        in_folder = self.data_dir is not None and (self.data_dir / "client.json").exists()
        if not in_folder and not os.environ.get("INTERLOCK_KEEPERS"):
            return None
        network = str(self._said("client.json", "network")) if in_folder else os.environ.get("INTERLOCK_NETWORK")
        if not network:
            raise CliError("not_configured", "set INTERLOCK_NETWORK: the network that proofs are of", "network")
        return Trust.model_validate({"network": network, "keepers": self.keepers})

    def audit_dsn(self) -> str:
        """The DSN of the audit database's reader."""
        if self.data_dir is not None:
            return str(self._said("audit.json", "reader"))
        if dsn := os.environ.get("INTERLOCK_AUDIT_READER_DSN"):
            return dsn
        raise unreachable(
            "no stack found: run `interlock up`, name its folder with --data-dir, or set INTERLOCK_AUDIT_READER_DSN"
        )

    @contextlib.asynccontextmanager
    async def audit(self) -> "AsyncIterator[Connections]":
        """Connections to the audit database, by its reader role; not reached within 10 seconds: exit 3."""
        async with self._connections("audit database", self.audit_dsn()) as connections:
            yield connections

    @contextlib.asynccontextmanager
    async def journals(self) -> "AsyncIterator[dict[str, Journal]]":
        """The three journals that are sealed, by name, each by its database's reader role; not reached: exit 3."""
        from interlock.audit.journals import Journal
        from interlock.protocol.seals import AUDIT_JOURNAL

        async with contextlib.AsyncExitStack() as held:
            journals = {
                name: Journal(
                    name,
                    await held.enter_async_context(self._connections(f"{name} ledger", self.ledger_dsn(name))),
                )
                for name in LEDGERS
            }
            audit = await held.enter_async_context(self.audit())
            yield journals | {AUDIT_JOURNAL: Journal(AUDIT_JOURNAL, audit)}

    @contextlib.asynccontextmanager
    async def _connections(self, what: str, dsn: str) -> "AsyncIterator[Connections]":
        from interlock.ledgers.connections import Connections
        from interlock.ledgers.faults import LedgerUnreachable

        connections = None
        try:
            async with asyncio.timeout(REACH_SECONDS):
                connections = await Connections.open(dsn, size=POOL_SIZE, timeout_s=READ_SECONDS)
                await connections.value("SELECT 1")
        except (LedgerUnreachable, TimeoutError) as error:
            if connections is not None:
                await connections.close()
            reason = str(error) or "no answer in time"
            raise unreachable(f"the {what} is not reachable ({reason}): {self._start_hint()}") from error
        try:
            yield connections
        finally:
            await connections.close()

    def _start_hint(self) -> str:
        folder = "" if self.data_dir in (None, DEFAULT_FOLDER) else f" --data-dir {self.data_dir}"
        return f"start it with `interlock up{folder}`"

    def _file(self, name: str) -> dict[str, Any]:
        if self.data_dir is None:
            raise unreachable("no stack found: run `interlock up`, or name its folder with --data-dir")
        path = self.data_dir / name
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError:
            raise unreachable(f"no stack in {self.data_dir}: {self._start_hint()}", "data_dir") from None
        except (ValueError, OSError) as error:
            raise CliError("invalid_file", f"{path} cannot be read: {error}", "data_dir") from error
        if not isinstance(content, dict):
            raise CliError("invalid_file", f"{path} is not what `interlock up` writes", "data_dir")
        return content

    def _said(self, file: str, name: str) -> Any:
        try:
            return self._file(file)[name]
        except KeyError:
            raise CliError("invalid_file", f"{file} in {self.data_dir} names no {name}", "data_dir") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()
