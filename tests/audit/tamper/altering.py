"""Alterations taken from the catalogue: every column of every table, changed as its type allows; and what names each.

An alteration is made by a superuser whom no rule stops, in one database; what it touched is put back afterwards.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.audit.tamper.stage import Stage, Verified

Connection = "asyncpg.Connection[asyncpg.Record]"
Row = dict[str, Any]

_COLUMNS = """
SELECT c.relname::text AS table, a.attname::text AS name,
    format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type,
    a.attnum = ANY (coalesce(i.indkey::smallint[], '{}')) AS is_key
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' ORDER BY c.relname, a.attnum
"""

_KEYS_GONE = """
DO $$
DECLARE
    _each record;
BEGIN
    FOR _each IN SELECT c.conrelid::regclass AS of, c.conname FROM pg_constraint AS c
        WHERE c.connamespace = to_regnamespace('{schema}') AND c.contype IN ('p', 'u') AND c.conrelid <> 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', _each.of, _each.conname);
    END LOOP;
    FOR _each IN SELECT i.indexrelid::regclass AS index FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE c.relnamespace = to_regnamespace('{schema}') AND i.indisunique
    LOOP
        EXECUTE format('DROP INDEX %s', _each.index);
    END LOOP;
    FOR _each IN SELECT a.attrelid::regclass AS of, a.attname FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = to_regnamespace('{schema}') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', _each.of, _each.attname);
    END LOOP;
END $$
"""

SEALED = {"entries": "position", "spans": "position", "witnessed": "id", "postings": "entry"}
"""Tables whose rows are records, or stand in one: by which column a finding knows the record."""


@dataclass(frozen=True)
class Column:
    """A column as the catalogue has it."""

    table: str
    name: str
    type: str
    is_key: bool


@dataclass(frozen=True)
class Table:
    """A table of one of the three databases."""

    journal: str
    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Its primary key's columns."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def path(self) -> str:
        """As SQL names it."""
        return f"{self.schema}.{self.name}"

    def condition(self) -> str:
        """That a row is the one whose key is $1, $2, ... as text."""
        return " AND ".join(f"{name}::text = ${at}" for at, name in enumerate(self.key, start=1))


@dataclass(frozen=True)
class Named:
    """What a finding has to name to be about an alteration: one of these records, seals or rows."""

    journal: str
    table: str
    positions: frozenset[int] = frozenset()
    seals: frozenset[int] = frozenset()
    keys: tuple[str, ...] = ()

    def by(self, verified: Verified) -> list[str]:
        """The findings that name it."""
        journals, tables = verified
        found = [
            each.text
            for result in journals.values()
            for each in result.findings
            if (each.seal in self.seals and each.position is None)
            or (each.position in self.positions and result is journals[self.journal])
        ]
        found += [
            each.text
            for each in tables[self.journal].findings
            if each.table == self.table and any(key in each.text for key in self.keys)
        ]
        return found


@dataclass(frozen=True)
class Alteration:
    """Statements that alter something, the tables that they touch, and what has to be named."""

    what: str
    """Of which kind it is: one line of the table in docs/tamper.md."""
    text: str
    table: Table
    statements: tuple[tuple[str, tuple[Any, ...]], ...]
    names: Named
    touched: tuple[Table, ...] = ()


@dataclass
class Catalogue:
    """The tables of the three databases, with a copy of each to put back from."""

    stage: Stage
    tables: list[Table] = field(default_factory=list)

    @classmethod
    async def of(cls, stage: Stage) -> "Catalogue":
        """As the databases stand now."""
        catalogue = cls(stage)
        for journal, superuser in stage.superusers.items():
            schema = stage.schema(journal)
            await superuser.execute("DROP SCHEMA IF EXISTS tamper CASCADE; CREATE SCHEMA tamper")
            by_table: dict[str, list[Column]] = {}
            for row in await superuser.fetch(_COLUMNS, schema):
                by_table.setdefault(row["table"], []).append(Column(**dict(row)))
            for name, columns in by_table.items():
                catalogue.tables.append(Table(journal, schema, name, tuple(columns)))
                await superuser.execute(f"CREATE TABLE tamper.{name} AS TABLE {schema}.{name}")
            await superuser.execute(_KEYS_GONE.format(schema=schema))
        return catalogue

    def table(self, journal: str, name: str) -> Table:
        """By name."""
        return next(each for each in self.tables if (each.journal, each.name) == (journal, name))

    async def rows(self, table: Table) -> list[Row]:
        """The rows that somebody vouches for, as text; of a journal those that are sealed, in order."""
        connection = self.stage.superusers[table.journal]
        said = ", ".join(f"{column.name}::text AS {column.name}" for column in table.columns)
        rows = await connection.fetch(f"SELECT {said} FROM {table.path} ORDER BY {', '.join(table.key)}")
        found = [dict(row) for row in rows]
        if table.name not in SEALED:
            return found
        place = SEALED[table.name]
        lane = "witnessed" if table.name == "witnessed" else "through"
        through = await connection.fetchval(f"SELECT max((seal ->> '{lane}')::bigint) FROM {table.schema}.seals")
        return [row for row in found if int(row[place]) <= through]

    async def make(self, alteration: Alteration) -> str:
        """Alter; what the database refused to do, or nothing."""
        connection = self.stage.superusers[alteration.table.journal]
        try:
            async with connection.transaction():
                for statement, values in alteration.statements:
                    await connection.execute(statement, *values)
        except asyncpg.PostgresError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    async def put_back(self, alteration: Alteration) -> None:
        """As it was."""
        connection = self.stage.superusers[alteration.table.journal]
        async with connection.transaction():
            for table in alteration.touched or (alteration.table,):
                await connection.execute(f"DELETE FROM {table.path}")
                await connection.execute(f"INSERT INTO {table.path} SELECT * FROM tamper.{table.name}")


def named(table: Table, *rows: Row) -> Named:
    """What has to be named if these rows of the table were altered."""
    if table.name in SEALED:
        positions = frozenset(int(row[SEALED[table.name]]) for row in rows)
        keys = tuple(f"entry {row['entry']}," for row in rows) if table.name == "postings" else ()
        return Named(table.journal, table.name, positions=positions, keys=keys)
    if table.name == "seals":
        return Named(table.journal, table.name, seals=frozenset(int(row["number"]) for row in rows))
    keys = tuple(_key(table, row) for row in rows)
    return Named(table.journal, table.name, keys=keys)


def _key(table: Table, row: Row) -> str:
    """By what a finding knows a row of a table that follows from the journal."""
    known = {"balances": "asset", "attestor_sets": "name", "accounts": "name", "identity": "ledger"}
    return str(row[known.get(table.name, table.key[0])])


def changed(table: Table, column: Column, row: Row, rng: random.Random) -> Alteration:
    """One column of one row, to another value of its type."""
    value = another(column.type, row[column.name], rng)
    key = tuple(row[name] for name in table.key)
    place = len(key) + 1
    statement = f"UPDATE {table.path} SET {column.name} = ${place}::text::{column.type} WHERE {table.condition()}"
    after = {**row, column.name: value}
    return Alteration(
        "a column changed",
        f"{table.journal}: {table.path}.{column.name} of {'/'.join(key)}: "
        f"{_short(row[column.name])} to {_short(value)}",
        table,
        ((statement, (*key, value)),),
        named(table, row, after) if value is not None else named(table, row),
    )


def emptied(table: Table, column: Column, row: Row) -> Alteration:
    """One column of one row, to NULL."""
    key = tuple(row[name] for name in table.key)
    statement = f"UPDATE {table.path} SET {column.name} = NULL WHERE {table.condition()}"
    text = f"{table.journal}: {table.path}.{column.name} of {'/'.join(key)} to NULL"
    return Alteration("a column set to NULL", text, table, ((statement, key),), named(table, row))


def another(type_name: str, text: str | None, rng: random.Random) -> str:
    """Another value of the type, as text."""
    if type_name.endswith("[]"):
        return _another_list(text, rng)
    if type_name == "jsonb":
        return json.dumps(_another_json(json.loads(text or "null"), rng))
    match type_name:
        case "bigint" | "integer" | "numeric":
            return str(int(text or 0) + rng.choice((1, -1, 1000003)))
        case "boolean":
            return "false" if text == "true" else "true"
        case "timestamp with time zone":
            return f"{(text or '2026-01-01 00:00:00+00')[:-4]}{'7' if (text or '')[-4:-3] != '7' else '8'}+00"
        case "bytea":
            return _flipped(text or "\\x00", rng, first=2)
        case "uuid":
            return _flipped(text or "", rng, first=24)
        case _:
            return _flipped(text, rng) if text else "x"


def _flipped(text: str, rng: random.Random, *, first: int = 0) -> str:
    """One character changed, hex digits to hex digits."""
    prefix = 2 if text.startswith("0x") else first
    at = rng.randrange(prefix, len(text)) if len(text) > prefix else 0
    now = text[at] if text else ""
    if now == "-":
        at, now = len(text) - 1, text[-1]
    choices = [
        each for each in ("0123456789abcdef" if now in "0123456789abcdefABCDEF" else "XQZ") if each != now.lower()
    ]
    return f"{text[:at]}{rng.choice(choices)}{text[at + 1 :]}"


def _another_list(text: str | None, rng: random.Random) -> str:
    parts = [part for part in (text or "{}").strip("{}").split(",") if part]
    if not parts:
        return "{1}"
    at = rng.randrange(len(parts))
    if len(parts) > 1 and rng.random() < 0.5:
        other = (at + 1) % len(parts)
        parts[at], parts[other] = parts[other], parts[at]
    elif parts[at].lstrip("-").isdigit():
        parts[at] = str(int(parts[at]) + 1000003)
    else:
        parts[at] = _flipped(parts[at], rng)
    return "{" + ",".join(parts) + "}"


def _another_json(value: Any, rng: random.Random) -> Any:
    """The same with one thing in it changed, gone, or more."""
    if isinstance(value, dict):
        if not value or rng.random() < 0.1:
            return {**value, "added": 1}
        name = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {key: inner for key, inner in value.items() if key != name}
        return {**value, name: _another_json(value[name], rng)}
    if isinstance(value, list):
        if not value:
            return [1]
        at = rng.randrange(len(value))
        return [*value[:at], _another_json(value[at], rng), *value[at + 1 :]]
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    return _flipped(value, rng) if value else "x"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def alterable(columns: Sequence[Column]) -> list[Column]:
    """Those that somebody vouches for."""
    from interlock.ledgers.derived import NOT_COVERED  # noqa: PLC0415

    return [column for column in columns if (column.table, column.name) not in NOT_COVERED]
