"""A worker process for each role: a trade settles, and no process holds a credential that it does not need."""

from pathlib import Path

import asyncpg
import psutil
import pytest

from interlock.protocol.names import Role
from interlock.stack.identity import AUDIT, LEDGERS
from tests.e2e.conftest import Service, outcome, until

DATABASES = (*LEDGERS, AUDIT, "postgres", "template1")


def environment_of(pid: int) -> dict[str, str]:
    """What a process was told, as the kernel keeps it."""
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def secrets_of(service: Service) -> dict[str, str]:
    """Everything that lets its holder act or read on a ledger, by name."""
    keys = {f"attestor key {number}": key for number, key in enumerate(service.stack.identity.attestor_keys, 1)}
    keys |= {f"seal key of {journal}": key for journal, key in service.stack.identity.seal_keys.items()}
    return keys | service.stack.identity.passwords


def held(service: Service, pid: int) -> set[str]:
    """The names of the secrets that stand anywhere in a process's environment."""
    told = "\n".join(environment_of(pid).values())
    return {name for name, secret in secrets_of(service).items() if secret in told}


async def logins_of(service: Service, pid: int) -> set[str]:
    """As whom a process is logged in; looked at when no connection is still on its way in, as nobody yet.

    A port number of ours is one connection's only together with the server's: another connection may have it elsewhere.
    """
    rows: list[asyncpg.Record] = []
    admin = await service.stack.postgres._connect("postgres")

    async def all_are_somebody() -> bool:
        rows[:] = await admin.fetch("SELECT usename, client_port FROM pg_stat_activity WHERE client_port IS NOT NULL")
        return all(row["usename"] is not None for row in rows)

    try:
        await until(all_are_somebody)
    finally:
        await admin.close()
    connections = psutil.Process(pid).net_connections("tcp")
    ours = {each.laddr.port for each in connections if each.raddr and each.raddr.port == service.stack.postgres.port}
    return {row["usename"] for row in rows if row["client_port"] in ours}


async def test_a_trade_settles_with_a_process_for_each_role(service: Service) -> None:
    processes = {service.worker(role).pid for role in Role}
    processes |= {process.pid for name, process in service.stack.processes.items() if name.startswith("attestor")}
    assert len(processes) == 8
    parties = await service.market.parties()
    assert await outcome(await parties.instruct()) == "SETTLED"
    assert await parties.moved() == (1, 1)


@pytest.mark.parametrize(
    ("role", "secrets"),
    [
        (Role.SETTLEMENT, {"audit_writer", "audit_keeper", "seal key of audit"}),
        (Role.COORDINATOR, {"audit_writer"}),
        (Role.ASSET, {"audit_writer", "asset_writer", "seal key of asset"}),
        (Role.PAYMENT, {"audit_writer", "payment_writer", "seal key of payment"}),
    ],
)
async def test_a_worker_holds_the_secret_of_its_role_and_no_other(
    service: Service, role: Role, secrets: set[str]
) -> None:
    assert held(service, service.worker(role).pid) == secrets


async def test_an_attestor_holds_its_own_readers_and_knows_no_other_attestors_key(service: Service) -> None:
    pid = service.stack.processes["attestor-2"].pid
    assert held(service, pid) == {"asset_attestor_2", "payment_attestor_2"}


async def test_the_settlement_process_knows_no_ledger_and_no_attestor(service: Service) -> None:
    pid = service.worker(Role.SETTLEMENT).pid
    told = {name for name in environment_of(pid) if name.startswith(("INTERLOCK_", "TEMPORAL_"))}
    sweeps = {"INTERLOCK_SWEEP_EVERY_SECONDS", "INTERLOCK_SWEEP_OLDER_THAN_SECONDS"}
    seals = {"INTERLOCK_AUDIT_SEAL_KEY", "INTERLOCK_AUDIT_KEEPER_DSN", "INTERLOCK_KEEPERS", "INTERLOCK_NETWORK"}
    told -= sweeps | seals
    assert told == {"INTERLOCK_ROLES", "INTERLOCK_AUDIT_DSN", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    ports = {connection.raddr.port for connection in psutil.Process(pid).net_connections("tcp") if connection.raddr}
    database = int(service.stack.dsn(AUDIT, "audit_writer").rpartition(":")[2].partition("/")[0])
    assert ports <= {int(service.stack.temporal.address.rpartition(":")[2]), database}


async def test_each_ledgers_process_is_connected_as_its_writer_and_nobody_else(service: Service) -> None:
    """Beside the audit trail, to which every process adds; the one that seals it reads it too."""
    seen = {role: await logins_of(service, service.worker(role).pid) for role in Role}
    assert {role: logins - {"audit_writer"} for role, logins in seen.items()} == {
        Role.SETTLEMENT: {"audit_keeper"},
        Role.COORDINATOR: set(),
        Role.ASSET: {"asset_writer"},
        Role.PAYMENT: {"payment_writer"},
    }


async def test_no_login_of_one_database_reaches_another(service: Service) -> None:
    """Each role tries every database with its own password; only its own lets it in."""
    for role in service.stack.identity.passwords:
        entered = set()
        for database in DATABASES:
            try:
                connection = await asyncpg.connect(service.stack.dsn(database, role))
            except asyncpg.InsufficientPrivilegeError:
                continue
            entered.add(database)
            await connection.close()
        assert entered == {role.split("_")[0]}, role


async def test_a_writer_can_change_nothing_but_through_the_operations(service: Service) -> None:
    connection = await asyncpg.connect(service.stack.dsn("asset", "asset_writer"))
    for statement in (
        "UPDATE ledger.balances SET balance = balance + 1",
        "DELETE FROM ledger.locks",
        "INSERT INTO ledger.verdicts DEFAULT VALUES",
        "SET ROLE asset_owner",
        "CREATE TABLE public.mine (x int)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
