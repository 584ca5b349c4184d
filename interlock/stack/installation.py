"""`interlock install`: makes the database of a ledger, or of the audit trail, on a Postgres server that runs elsewhere.

Told by `INTERLOCK_INSTALL_*`. May be repeated. Changes no genesis, and starts no server.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import unquote, urlsplit

import asyncpg
from pydantic import AfterValidator, Field, Json, SecretStr
from pydantic_settings import SettingsConfigDict

from interlock.attestors.environment import Environment
from interlock.audit import install as audit
from interlock.ledgers.install import install
from interlock.protocol import Asset, Attestors
from interlock.protocol.genesis import Genesis
from interlock.protocol.words import Address, Digest
from interlock.stack.databases import Databases


def _dsn(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or not parts.username or not parts.path.strip("/"):
        raise ValueError("a DSN is postgresql://role:password@host:port/database")
    return value


_Dsn = Annotated[SecretStr, AfterValidator(_dsn)]
_Logins = dict[str, SecretStr]


class DatabaseSettings(Environment):
    """What any database of ours is installed with. JSON values: all but the DSNs."""

    model_config = SettingsConfigDict(validate_default=False)

    install_owner_dsn: _Dsn
    """The database's owner, who applies the schema. No running process of ours holds it."""
    install_admin_dsn: _Dsn | None = None
    """A superuser, to create the database and its roles first; not set where somebody else creates them."""
    install_writer: Json[Annotated[_Logins, Field(min_length=1, max_length=1)]]
    """The one role that writes, `{"role": "password"}`."""
    install_readers: Json[_Logins] = Field(default_factory=dict)
    """Roles that read: of a ledger the attestors', one each."""


class AuditSettings(DatabaseSettings):
    """What the audit database is installed with besides."""

    install_keeper: Json[Annotated[_Logins, Field(max_length=1)]] = Field(default_factory=dict)
    """The audit trail's: the one role that seals it, `{"role": "password"}`."""


class LedgerSettings(DatabaseSettings):
    """What a ledger is born with besides."""

    install_auditors: Json[_Logins] = Field(default_factory=dict)
    """Roles that read everything on the ledger."""
    install_operators: Json[Annotated[tuple[Address, ...], Field(min_length=2)]]
    """The addresses of the ledger's operators, of whom any two may order."""
    install_assets: Json[tuple[Asset, ...]]
    """What the ledger keeps, `[{"code": "USD", "decimals": 2}]`."""
    network: Digest
    """The network id that both ledgers and all attestors of one environment share."""
    attestors: Json[Attestors]
    """The first attestor set: name, epoch, sorted keys, quorum."""


async def install_ledger(name: str, settings: LedgerSettings) -> None:
    """Make a database the ledger of that name. Raises LedgerMismatch, or asyncpg's errors."""
    genesis = Genesis(
        ledger=name,
        network=settings.network,
        assets=settings.install_assets,
        operators=settings.install_operators,
        coordinator=settings.attestors,
    )
    (writer,) = settings.install_writer
    await _create(settings, {**settings.install_writer, **settings.install_readers, **settings.install_auditors})
    owner = settings.install_owner_dsn.get_secret_value()
    await install(
        owner, genesis, writer=writer, readers=list(settings.install_readers), auditors=list(settings.install_auditors)
    )


async def install_audit(settings: AuditSettings) -> None:
    """Make a database the audit trail's. Raises asyncpg's errors."""
    (writer,) = settings.install_writer
    await _create(settings, {**settings.install_writer, **settings.install_readers, **settings.install_keeper})
    await audit.install(
        settings.install_owner_dsn.get_secret_value(),
        writer=writer,
        readers=list(settings.install_readers),
        keeper=next(iter(settings.install_keeper), None),
    )


async def _create(settings: DatabaseSettings, logins: dict[str, SecretStr]) -> None:
    """Database and roles, if we are given a superuser; the databases of that server are closed to everybody else."""
    if settings.install_admin_dsn is None:
        return
    owner = urlsplit(settings.install_owner_dsn.get_secret_value())
    name = unquote(owner.username or "")
    async with _administration(settings.install_admin_dsn.get_secret_value()) as databases:
        await databases.ensure_role(name, unquote(owner.password or ""))
        for role, password in logins.items():
            await databases.ensure_role(role, password.get_secret_value())
        await databases.ensure_database(unquote(owner.path.strip("/")), name, list(logins))
        await databases.close_all()


@contextlib.asynccontextmanager
async def _administration(dsn: str) -> AsyncIterator[Databases]:
    async def connect(database: str) -> "asyncpg.Connection[asyncpg.Record]":
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, database=database)
        return connection

    admin: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        yield Databases(admin, connect)
    finally:
        await admin.close()
