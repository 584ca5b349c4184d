"""An attestor's memory of what it signed: durable before a signature leaves, one file for one key (hazard 6).

It refuses a second verdict on the same terms and the same fact of them at a second place. It refuses to stand in for a
memory that was lost: a missing file is never created by opening it, for an attestor that lost its votes must not sign
with that key again.
"""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from interlock.protocol import Fact, Statement
from interlock.protocol.misconduct import contradict

_SCHEMA = """
BEGIN;
CREATE TABLE owner (address TEXT PRIMARY KEY) STRICT;
CREATE TABLE vote (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    terms_hash TEXT NOT NULL,
    fact       TEXT NOT NULL CHECK (fact IN ('LOCKED', 'PAID', 'VOIDED')),
    statement  TEXT NOT NULL,
    UNIQUE (terms_hash, fact)
) STRICT;
CREATE UNIQUE INDEX one_verdict ON vote (terms_hash) WHERE fact <> 'LOCKED';
CREATE TRIGGER vote_stands BEFORE UPDATE ON vote BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END;
CREATE TRIGGER vote_stays BEFORE DELETE ON vote BEGIN SELECT RAISE(ABORT, 'a vote is never deleted'); END;
COMMIT;
"""
# the indexes of the schema do the refusing: one row per terms and fact, one verdict per terms
_RECORD = "INSERT INTO vote (terms_hash, fact, statement) VALUES (?, ?, ?) ON CONFLICT (terms_hash, fact) DO NOTHING"
_CAST = "SELECT fact, statement FROM vote WHERE terms_hash = ?"
_AFTER = "SELECT number, statement FROM vote WHERE number > ? ORDER BY number LIMIT ?"
_POSITION = "json_extract(statement, '$.position')"
_INDEX = f"CREATE INDEX IF NOT EXISTS vote_about ON vote (json_extract(statement, '$.ledger'), {_POSITION})"
# the index holds the order that is asked for, so a page among millions costs no more than one among ten
_ABOUT = f"""
SELECT number, statement FROM vote INDEXED BY vote_about
WHERE json_extract(statement, '$.ledger') = ? AND {_POSITION} >= ? AND ({_POSITION} > ? OR number > ?)
ORDER BY {_POSITION}, number LIMIT ?
"""  # noqa: S608 - made of the constants above


class VotesLost(Exception):  # noqa: N818 - it says what happened; nothing can be done with this key any more
    """The vote file is missing, broken or another key's: this key must not sign again. Replace the attestor."""


@dataclass(frozen=True)
class Conflict:
    """The vote that stands and against which the new one would go: another verdict, or the same fact elsewhere."""

    standing: Fact
    place: str = ""
    """Where the same fact was, if it is the same."""


@dataclass
class _Batch:
    statements: Sequence[Statement]
    done: asyncio.Future[list[Conflict | None]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class VoteStore:
    """The votes of one key, in one SQLite file (WAL, synchronous=FULL). Use `create` once, `open` ever after.

    A commit waits for the disk, for milliseconds, so it runs in a thread of its own and the event loop goes on; what
    is recorded meanwhile goes into the next commit together.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Keep votes through an open connection; use `create` or `open` instead."""
        self._connection = connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="votes")
        self._waiting: list[_Batch] = []
        self._writer: asyncio.Task[None] | None = None
        self._count: int = connection.execute("SELECT count(*) FROM vote").fetchone()[0]

    @classmethod
    def create(cls, path: Path, address: str) -> Self:
        """Make the empty memory of a key that has never signed. Raises FileExistsError if a file is there."""
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        draft = Path(name)
        try:
            connection = _connect(draft)
            try:
                connection.executescript(_SCHEMA)
                connection.execute("INSERT INTO owner VALUES (?)", (address,))
            finally:
                connection.close()
            path.hardlink_to(draft)  # whole or not at all, and never over another file
        finally:
            draft.unlink()
        _flush_folder(path.parent)
        return cls.open(path, address)

    @classmethod
    def open(cls, path: Path, address: str) -> Self:
        """Open the memory of a key. Raises VotesLost if it is missing, unreadable or another key's."""
        if not path.is_file():
            raise VotesLost(f"{path} is missing: {address} has lost its votes and must not sign again")
        try:
            connection = _connect(path)
        except sqlite3.Error as error:
            raise _unreadable(path, address, error) from error
        try:
            connection.execute(_INDEX)
            owners = [owner for (owner,) in connection.execute("SELECT address FROM owner")]
            store = cls(connection)
        except sqlite3.Error as error:
            connection.close()
            raise _unreadable(path, address, error) from error
        if owners != [address]:
            connection.close()
            raise VotesLost(f"{path} holds the votes of {', '.join(owners) or 'nobody'}, not of {address}")
        return store

    @property
    def count(self) -> int:
        """How many different statements were voted for."""
        return self._count

    async def record(self, statements: Sequence[Statement]) -> list[Conflict | None]:
        """Vote for statements, in one commit; for each, None or the vote it goes against: it is not recorded then.

        When this returns, the votes are on the disk. Raises sqlite3.Error if it is not known that they are.
        """
        batch = _Batch(statements)
        self._waiting.append(batch)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await asyncio.shield(batch.done)

    async def after(self, number: int, limit: int) -> list[tuple[int, Statement]]:
        """Votes with a greater number, in order."""
        return await self._read(_AFTER, number, limit)

    async def about(self, ledger: str, position: int, number: int, limit: int) -> list[tuple[int, Statement]]:
        """Votes about one ledger, by position, then number: those at `position` with a greater number, and beyond."""
        return await self._read(_ABOUT, ledger, position, position, number, limit)

    async def close(self) -> None:
        """Wait for the commit under way, then close the file."""
        if self._writer is not None:
            await self._writer
        self._thread.shutdown(wait=True)
        self._connection.close()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while batches := self._waiting:
            self._waiting = []
            try:
                results = await loop.run_in_executor(self._thread, self._commit, batches)
            except Exception as error:  # each that waits must hear of it, whatever it is
                for batch in batches:
                    batch.done.set_exception(error)
            else:
                for batch, result in zip(batches, results, strict=True):
                    batch.done.set_result(result)
        self._writer = None

    def _commit(self, batches: Sequence[_Batch]) -> list[list[Conflict | None]]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            before = self._connection.total_changes
            results = [[self._vote(statement) for statement in batch.statements] for batch in batches]
            new = self._connection.total_changes - before
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._count += new
        return results

    def _vote(self, statement: Statement) -> Conflict | None:
        for fact, text in self._connection.execute(_CAST, (statement.terms_hash,)).fetchall():
            standing = Statement.model_validate_json(text)
            # VOIDED is final, so a LOCKED certificate could serve only a payment ledger that forgot it (hazard 22)
            if fact == Fact.VOIDED and statement.fact is Fact.LOCKED:
                return Conflict(Fact.VOIDED)
            if contradict(standing, statement):
                return Conflict(standing.fact, standing.said if standing.fact is statement.fact else "")
        self._connection.execute(_RECORD, (statement.terms_hash, statement.fact, statement.model_dump_json()))
        return None

    async def _read(self, query: str, *values: object) -> list[tuple[int, Statement]]:
        def read() -> list[tuple[int, str]]:
            return self._connection.execute(query, values).fetchall()

        rows = await asyncio.get_running_loop().run_in_executor(self._thread, read)
        return [(number, Statement.model_validate_json(statement)) for number, statement in rows]


def _unreadable(path: Path, address: str, error: sqlite3.Error) -> VotesLost:
    return VotesLost(f"{path} is no readable vote file ({error}): {address} must not sign again")


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: opening never creates; one thread of the store's own uses the connection
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=5
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
