"""What processes have used, from /proc; and what the servers have counted. Judges nothing."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import asyncpg
import psutil

CLIENT = "client"
"""This process, in which the client of the service runs."""

_COUNTED = """
SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal_bytes,
    (SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = ANY ($1::text[])) AS commits
"""
_PERSISTENCE = re.compile(r"^persistence_requests(?:_total)?\{.*\} (\S+)$", re.MULTILINE)


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used, those that have ended included."""
    root = psutil.Process(pid)
    own = root.cpu_times()
    used = own.user + own.system + own.children_user + own.children_system
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:  # ended since: its parent has its time by now, which the next look sees
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used


def cpu_of(processes: Mapping[str, tuple[int, ...]]) -> dict[str, float]:
    """The CPU seconds of each of these, by name, and of this process alone."""
    here = os.times()
    used = {name: sum(cpu_seconds(pid) for pid in pids) for name, pids in processes.items()}
    return used | {CLIENT: here.user + here.system}


def memory_of(pid: int) -> int:
    """Bytes that belong to a process: shared pages counted in proportion."""
    return int(psutil.Process(pid).memory_full_info().pss)


@dataclass(frozen=True)
class Counts:
    """What the servers have counted since they were started; `persistence` is the engine's requests to its database."""

    wal_bytes: int
    commits: int
    persistence: int

    def since(self, earlier: "Counts") -> "Counts":
        """What was added."""
        return Counts(
            self.wal_bytes - earlier.wal_bytes, self.commits - earlier.commits, self.persistence - earlier.persistence
        )


async def counts(dsn: str, databases: tuple[str, ...], metrics_url: str) -> Counts:
    """Postgres' counts over these databases, through any login, and Temporal's own."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(_COUNTED, list(databases))
    finally:
        await connection.close()
    assert row is not None  # noqa: S101 - the statement has no FROM
    async with aiohttp.ClientSession() as session, session.get(metrics_url) as answer:
        told = await answer.text()
    requests = sum(float(number) for number in _PERSISTENCE.findall(told))
    return Counts(int(row["wal_bytes"]), int(row["commits"] or 0), int(requests))
