"""What a worker process must be told, from `INTERLOCK_*` variables; all that is wrong is named at once.

A credential that none of the process's roles needs is refused: what a process does not hold, it cannot leak. No value
is ever repeated in an error: DSNs hold passwords. The connection to Temporal comes from the standard `TEMPORAL_*`
variables (temporalio.envconfig).
"""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Json,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from interlock.attestors.environment import PREFIX, Environment, SettingsInvalid
from interlock.protocol import Attestors, LocalSigner
from interlock.protocol.names import Role
from interlock.protocol.seals import AUDIT_JOURNAL
from interlock.protocol.words import Address, Digest

__all__ = ["SettingsInvalid", "WorkerSettings", "told_to"]

# a ledger's role asks the attestors what they have signed before it opens (hazard 22)
NEEDED_BY = {
    "asset_dsn": (Role.ASSET,),
    "payment_dsn": (Role.PAYMENT,),
    "network": (Role.ASSET, Role.PAYMENT, Role.COORDINATOR),
    "attestors": (Role.ASSET, Role.PAYMENT, Role.COORDINATOR),
    "attestor_urls": (Role.ASSET, Role.PAYMENT, Role.COORDINATOR),
}
# whoever keeps a journal seals it, if it is given a key for that
USED_BY = {
    "asset_seal_key": (Role.ASSET,),
    "payment_seal_key": (Role.PAYMENT,),
    "audit_seal_key": (Role.SETTLEMENT,),
    "audit_keeper_dsn": (Role.SETTLEMENT,),
    "keepers": (Role.ASSET, Role.PAYMENT, Role.SETTLEMENT),
}
# the network id is no credential and no way to anybody: every process of an environment may know it
# nor is the name of a keeper
_KNOWN_TO_ALL = ("network", "keepers")

JOURNALS = {Role.ASSET: "asset", Role.PAYMENT: "payment", Role.SETTLEMENT: AUDIT_JOURNAL}
"""Which journal a role keeps."""


def told_to(roles: frozenset[Role], environment: dict[str, str]) -> dict[str, str]:
    """What of a whole service's variables a worker with these roles is to be told, and the roles themselves."""
    asked = {**NEEDED_BY, **USED_BY}
    sealing = any(f"{PREFIX}{JOURNALS[role].upper()}_SEAL_KEY" in environment for role in roles if role in JOURNALS)
    kept = {
        name: value
        for name, value in environment.items()
        if roles & frozenset(asked.get(name.removeprefix(PREFIX).lower(), Role))
        or (sealing and name == f"{PREFIX}NETWORK")  # a seal is signed for one network
    }
    return kept | {f"{PREFIX}ROLES": ",".join(sorted(roles))}


def _roles(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := sorted(set(names) - {role.value for role in Role}):
        raise ValueError(f"unknown role {unknown[0]}; the roles are {', '.join(role.value for role in Role)}")
    return frozenset(Role(name) for name in names)


def _dsn(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("a DSN is postgresql://role:password@host:port/database")
    return value


def _seal_key(value: SecretStr) -> SecretStr:
    try:
        LocalSigner(value.get_secret_value())
    except ValueError:
        raise ValueError("a seal key is a private key: 64 hex digits") from None
    return value


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("an address to listen on is host:port")
    return value


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("an attestor's URL begins with http:// or https://")
    return value


_Dsn = Annotated[SecretStr, AfterValidator(_dsn)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Build = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]
_SealKey = Annotated[SecretStr, AfterValidator(_seal_key)]
_Url = Annotated[str, AfterValidator(_url)]


class WorkerSettings(Environment):
    """A worker's settings; `roles` is a comma-separated list, JSON values: attestors, attestor_urls, keepers."""

    roles: Annotated[frozenset[Role], NoDecode, BeforeValidator(_roles), Field(min_length=1)]
    """What this process does, comma-separated: settlement, asset, payment, coordinator."""
    asset_dsn: Annotated[_Dsn | None, Field(validate_default=True)] = None
    """The asset ledger's writer's: `postgresql://role:password@host:port/database`."""
    payment_dsn: Annotated[_Dsn | None, Field(validate_default=True)] = None
    """The payment ledger's writer's."""
    network: Annotated[Digest | None, Field(validate_default=True)] = None
    """The network id that both ledgers and all attestors of one environment share."""
    attestors: Annotated[Json[Attestors] | None, Field(validate_default=True)] = None
    """The attestor set: `{"name", "epoch", "keys", "quorum"}`, keys sorted."""
    attestor_urls: Annotated[Json[dict[Address, _Url]] | None, Field(validate_default=True)] = None
    """Where each attestor of the set answers: `{"0x...": "https://..."}`."""
    sweep_every_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    """How often it is looked for locks and verdicts that no workflow carries on; counts when the schedule is made."""
    sweep_older_than_seconds: Annotated[float, Field(ge=0, le=86400)] = 30.0
    """How old such a lock or verdict must be."""
    workflow_slots: Annotated[int, Field(ge=2, le=1000)] = 100
    """How many workflow tasks run at once."""
    activity_slots: Annotated[int, Field(ge=1, le=500)] = 32
    """How many steps run at once, and the size of the ledger's connection pool."""
    local_slots: Annotated[int, Field(ge=1, le=500)] = 32
    """How many local activities run at once: no more than the pool, so that one that has begun is soon over."""
    cached_workflows: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """How many settlements' runs are kept in memory between their tasks; with 0 each task replays its run's history."""
    sandbox: bool = True
    """Whether workflows run in Temporal's sandbox, which catches code that is not deterministic, and costs CPU."""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """How long steps under way may still take when the process is told to stop."""
    deployment: _Name | None = None
    """The deployment that this worker is a version of, for Temporal's worker versioning: see docs/operations.md."""
    build_id: _Build | None = None
    """Which version of it; settlements stay with the version that began them. Only role settlement uses the two."""
    audit_dsn: _Dsn | None = None
    """The audit database's writer's: every role leaves its trail there."""
    reconstruct_after_seconds: Annotated[float, Field(ge=1, le=3600)] = 10.0
    """How old an effect must be, if its span is missing in the audit trail, for the span to be made again."""
    asset_seal_key: _SealKey | None = None
    """What the asset ledger's journal is sealed with: the private key of its keeper. Not set: it is not sealed."""
    payment_seal_key: _SealKey | None = None
    """What the payment ledger's journal is sealed with."""
    audit_seal_key: _SealKey | None = None
    """What the audit trail is sealed with."""
    audit_keeper_dsn: _Dsn | None = None
    """The audit database's keeper's: goes with the key that the trail is sealed with."""
    keepers: Json[dict[str, Address]] | None = None
    """Whose seals count, by journal: `{"asset": "0x...", "payment": "0x...", "audit": "0x..."}`."""
    metrics_listen: Annotated[str, AfterValidator(_host_and_port)] | None = None
    """host:port at which Prometheus finds this process's metrics."""

    def dsn_of(self, role: Role) -> str:
        """The DSN of the ledger that a role of this process serves."""
        dsn = self.asset_dsn if role is Role.ASSET else self.payment_dsn
        if dsn is None:
            raise AssertionError("the settings were checked")
        return dsn.get_secret_value()

    def sealing_of(self, role: Role) -> tuple[LocalSigner, str, dict[str, str]] | None:
        """With what a role of this process seals its journal, of which network, and whose seals count; None if not."""
        key: SecretStr | None = getattr(self, f"{JOURNALS[role]}_seal_key") if role in JOURNALS else None
        if key is None:
            return None
        if self.network is None or self.keepers is None:
            raise AssertionError("the settings were checked")
        return LocalSigner(key.get_secret_value()), self.network, self.keepers

    @property
    def coordinator(self) -> tuple[dict[str, str], Attestors, str]:
        """Where the attestors are, who they are, and of which network."""
        if self.attestor_urls is None or self.attestors is None or self.network is None:
            raise AssertionError("the settings were checked")
        return self.attestor_urls, self.attestors, self.network

    @property
    def version(self) -> tuple[str, str] | None:
        """The deployment and the build id that settlements are begun under; None where workers are not versioned."""
        return None if self.deployment is None or self.build_id is None else (self.deployment, self.build_id)

    @field_validator(*NEEDED_BY)
    @classmethod
    def _each_role_has_what_it_needs_and_no_more(cls, value: Any, info: ValidationInfo) -> Any:
        if "roles" not in info.data or info.field_name is None:  # wrong themselves: nothing is known to be needed
            return value
        roles: frozenset[Role] = info.data["roles"]
        needing = NEEDED_BY[info.field_name]
        if value is None and (missed := sorted(roles.intersection(needing))):
            raise ValueError(f"missing; {_spoken(missed)} {'needs' if len(missed) == 1 else 'need'} it")
        if value is not None and not roles.intersection(needing) and info.field_name not in _KNOWN_TO_ALL:
            verb = "needs" if len(needing) == 1 else "need"
            raise ValueError(f"only {_spoken(needing)} {verb} it; take it away from this process")
        return value

    @field_validator(*USED_BY)
    @classmethod
    def _no_role_has_what_it_does_not_use(cls, value: Any, info: ValidationInfo) -> Any:
        using = USED_BY[str(info.field_name)]
        roles: frozenset[Role] | None = info.data.get("roles")
        if value is not None and roles and not roles.intersection(using) and info.field_name not in _KNOWN_TO_ALL:
            raise ValueError(f"only {_spoken(using)} uses it; take it away from this process")
        return value

    @model_validator(mode="after")
    def _a_version_has_both_its_names(self) -> Self:
        if (self.deployment is None) != (self.build_id is None):
            missed, given = ("DEPLOYMENT", "BUILD_ID") if self.deployment is None else ("BUILD_ID", "DEPLOYMENT")
            raise ValueError(f"{PREFIX}{missed}: missing; goes with {PREFIX}{given}")
        return self

    @model_validator(mode="after")
    def _a_seal_key_is_its_keepers(self) -> Self:
        for role, journal in JOURNALS.items():
            key: SecretStr | None = getattr(self, f"{journal}_seal_key")
            if key is None:
                continue
            name = f"{PREFIX}{journal.upper()}_SEAL_KEY"
            if self.network is None or self.keepers is None or journal not in self.keepers:
                raise ValueError(
                    f"{name}: goes with {PREFIX}NETWORK and {PREFIX}KEEPERS, which names {journal}'s keeper"
                )
            if (found := LocalSigner(key.get_secret_value()).address) != self.keepers[journal]:
                named = f"{PREFIX}KEEPERS names {self.keepers[journal]} as {journal}'s keeper"
                raise ValueError(f"{name}: is the key of {found}; {named}")
            if role is Role.SETTLEMENT and self.audit_keeper_dsn is None:
                raise ValueError(f"{name}: goes with {PREFIX}AUDIT_KEEPER_DSN")
        if self.audit_keeper_dsn is not None and self.audit_seal_key is None:
            raise ValueError(f"{PREFIX}AUDIT_KEEPER_DSN: goes with {PREFIX}AUDIT_SEAL_KEY")
        return self

    @field_validator("attestor_urls")
    @classmethod
    def _of_attestors_of_the_set(cls, value: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        attestors: Attestors | None = info.data.get("attestors")
        if value and attestors and (strangers := sorted(set(value) - set(attestors.keys))):
            raise ValueError(f"{strangers[0]} is not in {PREFIX}ATTESTORS")
        return value


def _spoken(roles: list[Role] | tuple[Role, ...]) -> str:
    *others, last = (role.value for role in roles)
    return f"roles {', '.join(others)} and {last}" if others else f"role {last}"
