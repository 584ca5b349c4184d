"""docker-compose.yml settles a trade: its services run by their own commands and environments, a process each."""

import asyncio
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.audit.reader import SpanReader
from interlock.client import SettlementClient
from interlock.protocol import AttestorSet, Leg, Terms
from interlock.protocol.reports import root_span_id_of, trace_id_of
from tests.deploy.conftest import Deployment
from tests.world import CASH, OUSG, UNITS, USD

SETTLES_WITHIN_SECONDS = 30.0


def held(deployment: Deployment, service: str) -> set[str]:
    """The names of the passwords of `.env` that stand anywhere in a running service's environment."""
    environ = Path(f"/proc/{deployment.machine.processes[service].pid}/environ").read_text()
    passwords = {name: value for name, value in deployment.variables.items() if name.endswith("_PASSWORD")}
    return {name for name, value in passwords.items() if value in environ}


def test_each_service_is_a_process_of_its_own(deployment: Deployment) -> None:
    attestors = {f"attestor-{number}" for number in range(1, 5)}
    assert set(deployment.machine.processes) == {"settlement", "asset", "payment", "coordinator"} | attestors
    assert len({process.pid for process in deployment.machine.processes.values() if process.alive}) == 8


async def test_a_trade_settles_through_the_services_of_the_file(deployment: Deployment) -> None:
    desk, variables = deployment.machine.run, deployment.variables
    for party in ("alpine", "northbank"):
        opening = [desk("desk", "ledger", "open", ledger, party, "--owner", party) for ledger in ("asset", "payment")]
        await asyncio.gather(*opening)
    await asyncio.gather(
        desk("desk", "ledger", "mint", "asset", "alpine", "OUSG", "2500"),
        desk("desk", "ledger", "mint", "payment", "northbank", "USD", "285000.00"),
    )

    seller, buyer = deployment.keys["alpine"], deployment.keys["northbank"]
    connection = await SettlementClient.connect(
        address=f"127.0.0.1:{deployment.machine.port('temporal', 7233)}",
        namespace="interlock",
        network=variables["INTERLOCK_NETWORK"],
        coordinator=AttestorSet.model_validate_json(variables["INTERLOCK_COORDINATOR"]),
    )
    async with connection as client:
        terms = Terms(
            settlement_id="COMPOSE-1",
            seller=seller.address,
            buyer=buyer.address,
            delivery=Leg(ledger="asset", asset=OUSG, quantity=UNITS, deliverer="alpine", receiver="northbank"),
            payment=Leg(ledger="payment", asset=USD, quantity=CASH, deliverer="northbank", receiver="alpine"),
            settle_by=datetime.now(UTC) + timedelta(hours=1),
            coordinator=client.coordinator,
        )
        handle = await client.settle(terms, [each.sign(terms, client.network) for each in (seller, buyer)])
        report = await asyncio.wait_for(handle.outcome(), SETTLES_WITHIN_SECONDS)
    assert report.outcome == "SETTLED"
    await _is_traced(deployment, report.terms_hash)

    accounts = json.loads(await desk("desk", "ledger", "accounts", "--json"))["accounts"]
    holds = {(each["ledger"], each["account"]): each["balances"] for each in accounts}
    assert holds["asset", "northbank"] == {"OUSG": "2500"}
    assert holds["payment", "alpine"] == {"USD": "285000"}


async def _is_traced(deployment: Deployment, terms_hash: str) -> None:
    """Until the audit database and the collector hold the settlement's trace, root span and all, and the same one."""
    reader = SpanReader.connect(
        f"postgresql://audit_reader:{deployment.variables['AUDIT_READER_PASSWORD']}"
        f"@127.0.0.1:{deployment.machine.port('postgres', 5432)}/audit"
    )
    trace, root = trace_id_of(terms_hash), root_span_id_of(terms_hash)
    async with asyncio.timeout(SETTLES_WITHIN_SECONDS), await reader as audit:
        while True:
            stored = {span.span_id for span in await audit.spans_of(trace)}
            received = {span_id for trace_id, span_id in deployment.received.spans if trace_id == trace}
            if root in stored and stored == received:
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("service", "passwords"),
    [
        ("settlement", {"AUDIT_WRITER_PASSWORD", "AUDIT_KEEPER_PASSWORD"}),
        ("coordinator", {"AUDIT_WRITER_PASSWORD"}),
        ("asset", {"AUDIT_WRITER_PASSWORD", "ASSET_WRITER_PASSWORD"}),
        ("payment", {"AUDIT_WRITER_PASSWORD", "PAYMENT_WRITER_PASSWORD"}),
        ("attestor-3", {"ASSET_ATTESTOR_3_PASSWORD", "PAYMENT_ATTESTOR_3_PASSWORD"}),
    ],
)
def test_a_service_holds_what_its_role_needs_and_the_settlement_worker_no_ledger_credential(
    deployment: Deployment, service: str, passwords: set[str]
) -> None:
    assert held(deployment, service) == passwords


async def test_installing_again_changes_nothing_and_an_attestor_is_made_once(deployment: Deployment) -> None:
    for name in ("install-asset", "install-payment", "install-audit"):
        await deployment.machine.run(name)
    key = deployment.machine.volume("attestor-1") / "key"
    before = key.read_text()
    with pytest.raises(AssertionError, match="made already"):
        await deployment.machine.run("attestor-1", "interlock", "attestor", "new")
    assert key.read_text() == before


async def test_a_service_that_is_told_to_stop_ends_with_0(deployment: Deployment) -> None:
    process = deployment.machine.processes.pop("attestor-4")
    os.kill(process.pid, signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
