"""The environment of docker-compose.yml: begun as docs/deploy.md says, and brought up once for all tests of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interlock.client.keystore import Keystore
from interlock.protocol import LocalSigner
from tests.audit.receivers import Received, grpc_receiver
from tests.deploy.compose import dotenv
from tests.deploy.machine import Machine

KEYS = ("operator-1", "operator-2", "alpine", "northbank")


@dataclass
class Deployment:
    """What runs, the `.env` file that it was filled in with, and people's keys."""

    machine: Machine
    variables: dict[str, str]
    keys: dict[str, LocalSigner]
    received: Received
    """The spans that came to where the file has its collector."""


@pytest.fixture(scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """Everything of the file is up and healthy, and its ledgers are empty."""
    folder: Path = tmp_path_factory.mktemp("compose")
    new = Machine(folder, "deploy/new.yml", {})
    attestors = await asyncio.gather(*(new.run(f"attestor-{number}") for number in range(1, 5)))
    for name in KEYS:
        await new.run("desk", "keys", "new", name)
    said = json.loads(await new.run("desk", "keys", "list", "--json"))
    addresses = {key["name"]: key["address"] for key in said["keys"]}
    operators = [word for name in KEYS[:2] for word in ("--operator", addresses[name])]
    variables = dotenv(await new.run("environment", *attestors, *operators))

    received = Received()
    async with grpc_receiver(received) as collector:
        machine = Machine(folder, "docker-compose.yml", variables)
        machine.stands_in("otel-collector", 4317, int(collector.rpartition(":")[2]))
        try:
            await machine.up()
            keystore = Keystore(machine.volume("desk") / "keys")
            yield Deployment(machine, variables, {name: keystore.load(name) for name in KEYS}, received)
        finally:
            await machine.stop()
