"""Two institutions, each with its own ledger, keys and processes, settle trades both ways through a consortium.

The steps and their names are those of docs/deploy.md.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.ledgers.postgres import PostgresLedger
from interlock.protocol import Asset, Attestors, Leg, Terms
from interlock.stack.ports import LOOPBACK, keep_ports
from interlock.stack.temporal import EmbeddedTemporal
from tests.deploy.institution import Institution
from tests.world import NETWORK, OUSG, USD

PARTY = str(Path(__file__).parent / "party.py")
ATTESTORS = range(1, 5)


@dataclass
class Group:
    """The fund's issuer with the asset ledger, the bank with the payment ledger, and the consortium between them."""

    issuer: Institution
    bank: Institution
    consortium: Institution
    attestors: Attestors
    ports: dict[str, int]
    addresses: dict[str, str]

    @property
    def everyone(self) -> tuple[Institution, ...]:
        """All three."""
        return self.issuer, self.bank, self.consortium

    @property
    def shared(self) -> set[int]:
        """The ports of what connects them: Temporal, and the attestors' HTTP."""
        return {self.ports["temporal"], *(self.ports[f"attestor-{number}"] for number in ATTESTORS)}


@pytest.fixture(scope="module")
async def group(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Group]:
    """All three are up; each party has an account on both ledgers, the issuer units, the bank cash."""
    folder = tmp_path_factory.mktemp("institutions")
    issuer, bank, consortium = (Institution(folder, name) for name in ("alpine", "northbank", "consortium"))
    names = ["temporal", "web_ui", "http", "metrics", *(f"attestor-{number}" for number in ATTESTORS)]
    ports = keep_ports(consortium.folder / "ports.json", names)
    temporal = EmbeddedTemporal(
        consortium.folder,
        ports["temporal"],
        ports["web_ui"],
        http_port=ports["http"],
        metrics_port=ports["metrics"],
        search_attributes={},
        logs=consortium.logs,
        record=consortium.record,
    )
    try:
        keys = await _agreed(consortium)
        _, _, _, *addresses = await asyncio.gather(
            temporal.start(), issuer.start_postgres(), bank.start_postgres(), _keys(issuer), _keys(bank)
        )
        people = {"alpine": addresses[0]["alpine"], "northbank": addresses[1]["northbank"]}
        group = Group(issuer, bank, consortium, keys, ports, people)
        for each in group.everyone:
            each.environment |= {
                "TEMPORAL_ADDRESS": temporal.address,
                "INTERLOCK_NETWORK": NETWORK,
                "INTERLOCK_COORDINATOR": keys.identity.model_dump_json(),
            }
        await asyncio.gather(
            _installed(issuer, "asset", OUSG, keys, addresses[0]), _installed(bank, "payment", USD, keys, addresses[1])
        )
        await _started(group)
        await asyncio.gather(
            _opened(group, issuer, "asset", ("alpine", "OUSG", "100")),
            _opened(group, bank, "payment", ("northbank", "USD", "50000.00")),
        )
        yield group
    finally:
        await asyncio.gather(*(each.stop() for each in (issuer, bank, consortium)))
        await temporal.stop()


async def _agreed(consortium: Institution) -> Attestors:
    made = [
        consortium.run(
            *("attestor", "new"),
            INTERLOCK_ATTESTOR_KEY_FILE=str(consortium.folder / str(number) / "key"),
            INTERLOCK_ATTESTOR_VOTES=str(consortium.folder / str(number) / "votes.db"),
        )
        for number in ATTESTORS
    ]
    return Attestors.of("main", 1, tuple(await asyncio.gather(*made)))


async def _keys(institution: Institution) -> dict[str, str]:
    for name in ("operator-1", "operator-2", institution.name):
        await institution.run("keys", "new", name)
    said = json.loads(await institution.run("keys", "list", "--json"))
    return {key["name"]: key["address"] for key in said["keys"]}


async def _installed(
    institution: Institution, ledger: str, asset: Asset, keys: Attestors, addresses: dict[str, str]
) -> None:
    administrator = institution.dsn("postgres", "postgres")
    await institution.run(
        *("install", ledger),
        INTERLOCK_INSTALL_ADMIN_DSN=administrator,
        INTERLOCK_INSTALL_OWNER_DSN=institution.dsn(ledger, f"{ledger}_owner"),
        INTERLOCK_INSTALL_WRITER=institution.logins(f"{ledger}_writer"),
        INTERLOCK_INSTALL_READERS=institution.logins(*(f"{ledger}_attestor_{number}" for number in ATTESTORS)),
        INTERLOCK_INSTALL_OPERATORS=json.dumps([addresses["operator-1"], addresses["operator-2"]]),
        INTERLOCK_INSTALL_ASSETS=f"[{asset.model_dump_json()}]",
        INTERLOCK_ATTESTORS=keys.model_dump_json(),
    )
    await institution.run(
        *("install", "audit"),
        INTERLOCK_INSTALL_ADMIN_DSN=administrator,
        INTERLOCK_INSTALL_OWNER_DSN=institution.dsn("audit", "audit_owner"),
        INTERLOCK_INSTALL_WRITER=institution.logins("audit_writer"),
        INTERLOCK_INSTALL_READERS=institution.logins("audit_reader"),
    )


async def _started(group: Group) -> None:
    """Each process, by whom runs it; nobody is told what is not theirs."""
    keys = group.attestors.model_dump_json()
    consortium = group.consortium
    urls = {}
    attestors = []
    for number in ATTESTORS:
        listen = f"{LOOPBACK}:{group.ports[f'attestor-{number}']}"
        dsns = {
            "asset": group.issuer.dsn("asset", f"asset_attestor_{number}"),
            "payment": group.bank.dsn("payment", f"payment_attestor_{number}"),
        }
        attestors.append(
            consortium.start(
                *(f"attestor-{number}", "attestor"),
                INTERLOCK_ATTESTOR_KEY_FILE=str(consortium.folder / str(number) / "key"),
                INTERLOCK_ATTESTOR_VOTES=str(consortium.folder / str(number) / "votes.db"),
                INTERLOCK_ATTESTOR_LISTEN=listen,
                INTERLOCK_ATTESTORS=keys,
                INTERLOCK_READ_DSNS=json.dumps(dsns),
            )
        )
    await asyncio.gather(*attestors)
    for process in consortium.processes.values():
        said = json.loads(await process.line('{"ready": true'))
        urls[said["address"]] = said["url"]
    coordinator = {"INTERLOCK_ATTESTORS": keys, "INTERLOCK_ATTESTOR_URLS": json.dumps(urls)}
    await asyncio.gather(
        consortium.start("settlement", "worker", INTERLOCK_ROLES="settlement"),
        consortium.start("coordinator", "worker", INTERLOCK_ROLES="coordinator", **coordinator),
        group.issuer.start(
            *("asset", "worker"),
            INTERLOCK_ROLES="asset",
            INTERLOCK_ASSET_DSN=group.issuer.dsn("asset", "asset_writer"),
            INTERLOCK_AUDIT_DSN=group.issuer.dsn("audit", "audit_writer"),
            **coordinator,
        ),
        group.bank.start(
            *("payment", "worker"),
            INTERLOCK_ROLES="payment",
            INTERLOCK_PAYMENT_DSN=group.bank.dsn("payment", "payment_writer"),
            INTERLOCK_AUDIT_DSN=group.bank.dsn("audit", "audit_writer"),
            **coordinator,
        ),
    )


async def _opened(group: Group, institution: Institution, ledger: str, minted: tuple[str, str, str]) -> None:
    dsn = {f"INTERLOCK_{ledger.upper()}_DSN": institution.dsn(ledger, f"{ledger}_writer")}
    for party, address in group.addresses.items():
        await institution.run("ledger", "open", ledger, party, "--owner", address, **dsn)
    await institution.run("ledger", "mint", ledger, *minted, **dsn)


async def _settled(group: Group, settlement_id: str, *, seller: str, units: int, cents: int) -> list[str]:
    """Both parties sign the same terms, each in a process of its own institution; what each is told of the end."""
    buyer = "northbank" if seller == "alpine" else "alpine"
    terms = Terms(
        settlement_id=settlement_id,
        seller=group.addresses[seller],
        buyer=group.addresses[buyer],
        delivery=Leg(ledger="asset", asset=OUSG, quantity=units * 10**18, deliverer=seller, receiver=buyer),
        payment=Leg(ledger="payment", asset=USD, quantity=cents, deliverer=buyer, receiver=seller),
        settle_by=datetime.now(UTC) + timedelta(minutes=10),
        coordinator=group.attestors.identity,
    )
    sent = []
    for institution in (group.issuer, group.bank):
        file = institution.folder / f"{settlement_id}.json"
        file.write_text(terms.model_dump_json())
        sent.append(institution.execute(sys.executable, PARTY, str(file), institution.name))
    return list(await asyncio.gather(*sent))


async def _balance(institution: Institution, ledger: str, account: str, asset: str) -> int:
    async with await PostgresLedger.connect(institution.dsn(ledger, f"{ledger}_writer")) as books:
        (found,) = [each for each in await books.accounts() if each.account == account]
    return found.balances.get(asset, 0)


async def test_trades_settle_both_ways(group: Group) -> None:
    assert await _settled(group, "SOLD-1", seller="alpine", units=100, cents=1_140_700) == ["SETTLED", "SETTLED"]
    assert await _settled(group, "BACK-1", seller="northbank", units=40, cents=456_280) == ["SETTLED", "SETTLED"]
    assert await _balance(group.issuer, "asset", "northbank", "OUSG") == 60 * 10**18
    assert await _balance(group.issuer, "asset", "alpine", "OUSG") == 40 * 10**18
    assert await _balance(group.bank, "payment", "alpine", "USD") == 684_420
    assert await _balance(group.bank, "payment", "northbank", "USD") == 5_000_000 - 684_420


async def test_institutions_are_connected_only_through_temporal_and_the_attestors(group: Group) -> None:
    for institution in (group.issuer, group.bank):
        assert institution.postgres is not None
        assert institution.connected_to() <= group.shared | {institution.postgres.port}


async def test_no_institution_is_told_anothers_secrets(group: Group) -> None:
    for institution, other in ((group.issuer, group.bank), (group.bank, group.issuer)):
        assert [role for role, password in other.passwords.items() if password in institution.told()] == []
    told = group.consortium.told()
    for institution in (group.issuer, group.bank):
        known = {role for role, password in institution.passwords.items() if password in told}
        assert all("_attestor_" in role for role in known)
