"""The embedded Postgres lets in only whom it should, and keeps what it was given."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from interlock.stack import cluster, privileges
from interlock.stack.errors import StackError
from interlock.stack.postgres import EmbeddedPostgres

NewPostgres = Callable[[Path], EmbeddedPostgres]

_DAC_OVERRIDE = 1 << 1


def effective_capabilities(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)[1], 16)  # type: ignore[index]


def dsn(server: EmbeddedPostgres, database: str, role: str) -> str:
    return server.dsn(database, role, f'{role}\'s "word"')


async def test_a_role_connects_to_the_database_that_admits_it(postgres: EmbeddedPostgres) -> None:
    for role in ("asset_owner", "reader"):
        connection = await asyncpg.connect(dsn(postgres, "asset", role))
        assert await connection.fetchval("SELECT current_user") == role
        await connection.close()


@pytest.mark.parametrize("database", ["payment", "postgres", "template1"])
@pytest.mark.parametrize("role", ["asset_owner", "reader"])
async def test_roles_of_one_database_cannot_connect_to_another(
    postgres: EmbeddedPostgres, role: str, database: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(dsn(postgres, database, role))


async def test_an_admitted_role_sees_nothing_its_owner_did_not_grant(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(dsn(postgres, "asset", "reader"))
    for statement in ("CREATE TABLE public.t ()", "CREATE SCHEMA s", "CREATE TEMP TABLE t ()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    assert not await connection.fetchval("SELECT has_schema_privilege('public', 'USAGE')")
    await connection.close()


async def test_nobody_enters_without_the_right_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn("asset", "asset_owner", "guess"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn("postgres", "postgres", "postgres"))


async def test_saying_it_again_changes_nothing_but_the_password(postgres: EmbeddedPostgres) -> None:
    async with postgres.administration() as databases:
        await databases.ensure_role("payment_owner", "new")
        await databases.ensure_database("payment", "payment_owner")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn(postgres, "payment", "payment_owner"))
    connection = await asyncpg.connect(postgres.dsn("payment", "payment_owner", "new"))
    await connection.close()
    async with postgres.administration() as databases:
        await databases.ensure_role("payment_owner", 'payment_owner\'s "word"')


async def test_what_final_means_is_switched_on(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(dsn(postgres, "asset", "asset_owner"))
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await connection.fetchval("SELECT current_setting($1)", setting) == "on"
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    await connection.close()


async def test_only_loopback_and_no_socket_file_is_listened_on(postgres: EmbeddedPostgres) -> None:
    # Of the whole machine: a container's root may not ask what another user's process has open.
    listening = [tuple(c.laddr) for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert [host for host, port in listening if port == postgres.port] == ["127.0.0.1"]
    assert not [c for c in psutil.net_connections("unix") if f".s.PGSQL.{postgres.port}" in str(c.laddr)]


async def test_data_survives_a_restart_and_a_crash(tmp_path: Path, new_postgres: NewPostgres) -> None:
    server = new_postgres(tmp_path)
    await server.start()
    async with server.administration() as databases:
        await databases.ensure_role("owner", "word")
        await databases.ensure_database("asset", "owner")
    client = await asyncpg.connect(server.dsn("asset", "owner", "word"))
    await client.execute("CREATE TABLE kept AS SELECT 1 AS n")
    await server.stop()  # with that client still connected
    await client.close()

    await server.start()
    client = await asyncpg.connect(server.dsn("asset", "owner", "word"))
    await client.execute("UPDATE kept SET n = 2")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    await server.process.wait()
    client.terminate()

    again = new_postgres(tmp_path)
    await again.start()
    client = await asyncpg.connect(again.dsn("asset", "owner", "word"))
    assert await client.fetchval("SELECT n FROM kept") == 2
    await client.close()


async def test_a_pid_file_that_names_a_process_of_ours_is_no_obstacle(
    tmp_path: Path, new_postgres: NewPostgres
) -> None:
    server = new_postgres(tmp_path)
    await server.start()
    await server.stop()
    (tmp_path / "postgres" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    await server.start()
    assert server.process is not None
    assert server.process.alive


async def test_a_cluster_without_its_password_is_refused(tmp_path: Path, new_postgres: NewPostgres) -> None:
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)
    with pytest.raises(StackError, match="cannot be opened without"):
        await new_postgres(tmp_path).start()


async def test_a_failed_initdb_says_why_and_is_begun_again(
    tmp_path: Path, new_postgres: NewPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_postgres(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "SUPERUSER", "pg_reserved")
        with pytest.raises(StackError, match=r"(?s)^initdb: .*pg_reserved"):
            await server.start()
    await server.start()
    assert server.process is not None
    assert server.process.alive


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a folder that only root may enter")
async def test_postgres_runs_below_a_folder_only_root_may_enter(
    tmp_path: Path, new_postgres: NewPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and programs both, as in a clone below root's home."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    installed = cluster._programs().parent.parent
    shutil.copytree(installed, private / installed.name)
    shutil.copytree(f"{installed}.libs", private / f"{installed.name}.libs")
    programs = private / installed.name / "pginstall" / "bin"
    monkeypatch.setattr(cluster, "_programs", lambda: programs)
    for path in (tmp_path, *tmp_path.parents):
        assert path.stat().st_uid == 0
    server = new_postgres(private / "data")
    await server.start()
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    assert Path(process.exe()).parent == programs
    assert process.uids().effective != 0
    async with server.administration() as databases:
        await databases.ensure_role("owner", "word")
        await databases.ensure_database("asset", "owner")
    client = await asyncpg.connect(server.dsn("asset", "owner", "word"))
    await client.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n")
    assert await client.fetchval("SELECT sum(n) FROM t") == 500500
    await client.close()
    assert effective_capabilities(process.pid) == _DAC_OVERRIDE
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert private.stat().st_uid == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """pytest's own temporary folders are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to give up")
async def test_postgres_keeps_no_capability_where_everybody_may_enter(
    open_folder: Path, new_postgres: NewPostgres
) -> None:
    if not privileges._open_to_all(cluster._programs()):
        pytest.skip("the programs lie below a folder that only root may enter")
    server = new_postgres(open_folder)
    await server.start()
    assert server.process is not None
    assert effective_capabilities(server.process.pid) == 0
    await server.stop()
