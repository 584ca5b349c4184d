"""A worker's settings: all wrong ones named at once, no secret repeated, no credential taken that no role needs."""

import json

import pytest

from interlock.protocol import LocalSigner
from interlock.protocol.names import Role
from interlock.worker.settings import SettingsInvalid, WorkerSettings, told_to
from tests.world import ATTESTORS, COORDINATOR, NETWORK, STRANGER

WHOLE = {
    "INTERLOCK_ASSET_DSN": "postgresql://asset_writer:hush@h/asset",
    "INTERLOCK_PAYMENT_DSN": "postgresql://payment_writer:hush@h/payment",
    "INTERLOCK_NETWORK": NETWORK,
    "INTERLOCK_ATTESTORS": COORDINATOR.model_dump_json(),
    "INTERLOCK_ATTESTOR_URLS": json.dumps({each.address: "http://h:1" for each in ATTESTORS}),
}
KEYS = {journal: LocalSigner.generate() for journal in ("asset", "payment", "audit")}
SEALING = {
    **{f"INTERLOCK_{journal.upper()}_SEAL_KEY": key.private_key.hex() for journal, key in KEYS.items()},
    "INTERLOCK_AUDIT_KEEPER_DSN": "postgresql://audit_keeper:hush@h/audit",
    "INTERLOCK_KEEPERS": json.dumps({journal: key.address for journal, key in KEYS.items()}),
}
PUBLIC = {"INTERLOCK_NETWORK", "INTERLOCK_ATTESTORS", "INTERLOCK_ATTESTOR_URLS"}


def load(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> WorkerSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return WorkerSettings.load()


def wrong(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> dict[str, str]:
    """What is said of each variable that is wrong."""
    with pytest.raises(SettingsInvalid) as raised:
        load(monkeypatch, variables)
    assert "hush" not in str(raised.value)
    return dict(line.split(": ", 1) for line in raised.value.wrong)


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({Role.SETTLEMENT}, set()),
        ({Role.COORDINATOR}, PUBLIC),
        ({Role.ASSET}, PUBLIC | {"INTERLOCK_ASSET_DSN"}),
        ({Role.PAYMENT}, PUBLIC | {"INTERLOCK_PAYMENT_DSN"}),
        ({Role.SETTLEMENT, Role.PAYMENT}, PUBLIC | {"INTERLOCK_PAYMENT_DSN"}),
        (set(Role), set(WHOLE)),
    ],
)
def test_a_worker_is_told_what_its_roles_need_and_no_more(
    monkeypatch: pytest.MonkeyPatch, roles: set[Role], told: set[str]
) -> None:
    variables = told_to(frozenset(roles), WHOLE)
    assert set(variables) == told | {"INTERLOCK_ROLES"}
    settings = load(monkeypatch, variables)
    assert settings.roles == roles
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("role", "secrets"),
    [
        (Role.SETTLEMENT, {"INTERLOCK_AUDIT_SEAL_KEY", "INTERLOCK_AUDIT_KEEPER_DSN"}),
        (Role.COORDINATOR, set()),
        (Role.ASSET, {"INTERLOCK_ASSET_SEAL_KEY"}),
        (Role.PAYMENT, {"INTERLOCK_PAYMENT_SEAL_KEY"}),
    ],
)
def test_a_role_is_told_the_seal_key_of_its_own_journal(
    monkeypatch: pytest.MonkeyPatch, role: Role, secrets: set[str]
) -> None:
    variables = told_to(frozenset({role}), WHOLE | SEALING)
    public = {"INTERLOCK_KEEPERS", "INTERLOCK_NETWORK"} if secrets else set()
    assert set(variables) - set(told_to(frozenset({role}), WHOLE)) - public == secrets
    settings = load(monkeypatch, variables)
    found = settings.sealing_of(role)
    assert (found is None) == (not secrets)
    assert all(key.private_key.hex() not in repr(settings) for key in KEYS.values())
    said = wrong(monkeypatch, {**variables, **SEALING})
    assert set(said) == set(SEALING) - secrets - {"INTERLOCK_KEEPERS"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"INTERLOCK_ASSET_SEAL_KEY": "ab" * 31}, "a seal key is a private key"),
        ({"INTERLOCK_ASSET_SEAL_KEY": STRANGER.private_key.hex()}, f"is the key of {STRANGER.address}"),
        ({"INTERLOCK_KEEPERS": ""}, "goes with INTERLOCK_NETWORK and INTERLOCK_KEEPERS"),
        ({"INTERLOCK_KEEPERS": "{}"}, "names asset's keeper"),
        ({"INTERLOCK_AUDIT_KEEPER_DSN": ""}, "goes with INTERLOCK_AUDIT_KEEPER_DSN"),
        ({"INTERLOCK_AUDIT_SEAL_KEY": ""}, "goes with INTERLOCK_AUDIT_SEAL_KEY"),
    ],
)
def test_a_seal_key_that_is_not_the_keepers_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], text: str
) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        load(monkeypatch, told_to(frozenset(Role), WHOLE | SEALING) | changes)
    assert text in str(raised.value)
    assert STRANGER.private_key.hex() not in str(raised.value)


@pytest.mark.parametrize("role", Role)
def test_all_that_a_role_misses_is_named_at_once(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    needed = set(told_to(frozenset({role}), WHOLE)) - {"INTERLOCK_ROLES"}
    if not needed:
        assert load(monkeypatch, {"INTERLOCK_ROLES": role}).roles == {role}
        return
    said = wrong(monkeypatch, {"INTERLOCK_ROLES": role})
    assert said == dict.fromkeys(needed, f"missing; role {role} needs it")


@pytest.mark.parametrize("role", Role)
def test_a_credential_that_no_role_needs_is_refused(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    unneeded = set(WHOLE) - set(told_to(frozenset({role}), WHOLE)) - {"INTERLOCK_NETWORK"}
    said = wrong(monkeypatch, {**WHOLE, "INTERLOCK_ROLES": role})
    assert set(said) == unneeded
    assert all(text.endswith("take it away from this process") for text in said.values())


def test_wrong_missing_and_unneeded_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(
        monkeypatch,
        {
            "INTERLOCK_ROLES": "asset, settlement",
            "INTERLOCK_ASSET_DSN": "hush@h/asset",
            "INTERLOCK_PAYMENT_DSN": WHOLE["INTERLOCK_PAYMENT_DSN"],
            "INTERLOCK_ATTESTORS": '{"name": "hush"',
            "INTERLOCK_ATTESTOR_URLS": "",
            "INTERLOCK_SWEEP_EVERY_SECONDS": "hush",
            "INTERLOCK_DRAIN_SECONDS": "-1",
        },
    )
    assert list(said) == [
        "INTERLOCK_ASSET_DSN",
        "INTERLOCK_PAYMENT_DSN",
        "INTERLOCK_NETWORK",
        "INTERLOCK_ATTESTORS",
        "INTERLOCK_ATTESTOR_URLS",
        "INTERLOCK_SWEEP_EVERY_SECONDS",
        "INTERLOCK_DRAIN_SECONDS",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("INTERLOCK_ROLES", "asset,escrow", "unknown role escrow"),
        ("INTERLOCK_ATTESTOR_URLS", json.dumps({STRANGER.address: "http://h:1"}), "is not in INTERLOCK_ATTESTORS"),
        ("INTERLOCK_ATTESTOR_URLS", json.dumps({ATTESTORS[0].address: "h:1"}), "begins with http"),
        ("INTERLOCK_NETWORK", "mainnet", "String should match"),
        ("INTERLOCK_ACTIVITY_SLOTS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_explained(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str) -> None:
    said = wrong(monkeypatch, {**told_to(frozenset(Role), WHOLE), variable: value})
    ((name, why),) = said.items()
    assert name.split(".")[0] == variable
    assert text in why


VERSION = {"INTERLOCK_DEPLOYMENT": "interlock", "INTERLOCK_BUILD_ID": "2026.11.28-1"}


def test_a_workers_version_is_its_deployment_and_build(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, VERSION | {"INTERLOCK_ROLES": "settlement"})
    assert settings.version == ("interlock", "2026.11.28-1")


def test_a_worker_that_is_told_no_version_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"INTERLOCK_ROLES": "settlement"}).version is None


@pytest.mark.parametrize(("given", "missed"), [(*VERSION,), (*reversed(VERSION),)])
def test_half_a_version_is_refused(monkeypatch: pytest.MonkeyPatch, given: str, missed: str) -> None:
    said = wrong(monkeypatch, {given: VERSION[given], "INTERLOCK_ROLES": "settlement"})
    assert said == {missed: f"missing; goes with {given}"}


@pytest.mark.parametrize(("name", "value"), [("INTERLOCK_DEPLOYMENT", "a.b"), ("INTERLOCK_BUILD_ID", "a'b")])
def test_a_version_that_no_question_could_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert set(wrong(monkeypatch, VERSION | {name: value, "INTERLOCK_ROLES": "settlement"})) == {name}


def test_every_role_may_be_told_the_version() -> None:
    for role in Role:
        assert VERSION.items() <= told_to(frozenset({role}), WHOLE | VERSION).items()
