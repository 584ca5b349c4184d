"""Where the service is, and on which network: from arguments, a data folder, or the environment. Opens no settlement.

Asked in this order: arguments; `client.json` in the data folder (argument, else INTERLOCK_DATA_DIR); Temporal's own
configuration (TEMPORAL_* and its file) with INTERLOCK_NETWORK, INTERLOCK_COORDINATOR (an AttestorSet as JSON) and, as a
hint, INTERLOCK_LOCAL_ROLES (the roles that are in one process with the settlement role, comma-separated).
With none of them, `./.interlock`, where `interlock up` keeps its data, is tried. A folder of INTERLOCK_DATA_DIR that
holds only keys says nothing of where the service is, if TEMPORAL_ADDRESS does.
"""

import asyncio
import atexit
import json
import os
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from interlock.client.errors import NotConfigured, NotReached
from interlock.protocol import AttestorSet
from interlock.protocol.names import Role
from interlock.protocol.words import Digest

CONNECT_WITHIN_SECONDS = 7.0
CLIENT_FILE = "client.json"
DEFAULT_DATA_DIR = Path(".interlock")
DEFAULT_ADDRESS = "localhost:7233"

LET_GO_SECONDS = 0.1
"""How long the interpreter waits, at its end, for the native client's threads to let go of what they were answered."""


class ClientFile(BaseModel):
    """What a stack tells its clients: where Temporal is, the network, and the coordinator to name in terms."""

    model_config = ConfigDict(extra="ignore")

    temporal: str
    namespace: str = "default"
    network: Digest
    coordinator: AttestorSet
    local_roles: tuple[Role, ...] = ()


@dataclass(frozen=True)
class Connection:
    """How to connect, and to which network."""

    network: str
    coordinator: AttestorSet
    address: str
    namespace: str
    local_roles: tuple[Role, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    async def open(self) -> Client:
        """A connected Temporal client; raises NotReached within 10 seconds."""
        _let_go_before_the_end()
        try:
            async with asyncio.timeout(CONNECT_WITHIN_SECONDS):
                return await Client.connect(
                    self.address, namespace=self.namespace, data_converter=pydantic_data_converter, **self.options
                )
        except (TimeoutError, RuntimeError, RPCError) as error:
            raise NotReached(
                f"no Temporal server answers at {self.address}; start the stack with `interlock up`, "
                f"or say with TEMPORAL_ADDRESS where it is"
            ) from error


@cache
def _let_go_before_the_end() -> None:
    """Keep a script that ends right after its last answer from crashing when all is done.

    The thread that brought the answer drops its last Python objects a moment after the answer is there. If the
    interpreter is being taken down by then, the process ends with a segmentation fault; nobody tells when the thread is
    through, so it is given time.
    """
    atexit.register(time.sleep, LET_GO_SECONDS)


def configured(
    *,
    data_dir: str | os.PathLike[str] | None = None,
    address: str | None = None,
    namespace: str | None = None,
    network: str | None = None,
    coordinator: AttestorSet | None = None,
) -> Connection:
    """Put the configuration together; raises NotConfigured naming what is missing."""
    file = _client_file(data_dir, address)
    if file is not None:
        return Connection(
            network=_network(network or file.network),
            coordinator=coordinator or file.coordinator,
            address=address or file.temporal,
            namespace=namespace or file.namespace,
            local_roles=file.local_roles,
        )
    found = dict(ClientConfig.load_client_connect_config())
    return Connection(
        network=_network(network or os.environ.get("INTERLOCK_NETWORK")),
        coordinator=coordinator or _coordinator(os.environ.get("INTERLOCK_COORDINATOR")),
        address=_chosen(found, "target_host", address) or DEFAULT_ADDRESS,
        namespace=_chosen(found, "namespace", namespace) or "default",
        local_roles=_roles(os.environ.get("INTERLOCK_LOCAL_ROLES")),
        options=found,
    )


def _chosen(found: dict[str, Any], name: str, argument: str | None) -> str | None:
    value = found.pop(name, None)
    return argument or value


def _client_file(data_dir: str | os.PathLike[str] | None, address: str | None) -> ClientFile | None:
    chosen = data_dir or os.environ.get("INTERLOCK_DATA_DIR")
    if chosen is None:
        elsewhere = address is not None or "TEMPORAL_ADDRESS" in os.environ
        if elsewhere or not (DEFAULT_DATA_DIR / CLIENT_FILE).is_file():
            return None
        chosen = DEFAULT_DATA_DIR
    path = Path(chosen) / CLIENT_FILE
    try:
        return ClientFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        if data_dir is None and "TEMPORAL_ADDRESS" in os.environ:
            return None
        raise NotConfigured(
            f"{path} is not there: start the stack with `interlock up --data-dir {chosen}`", field="data_dir"
        ) from None
    except (OSError, ValidationError) as error:
        raise NotConfigured(f"{path} cannot be read: {error}", field="data_dir") from error


def _network(value: str | None) -> str:
    if not value:
        raise NotConfigured(
            "no stack found and no network given: start one with `interlock up`, "
            "or pass network=, or set INTERLOCK_DATA_DIR or INTERLOCK_NETWORK",
            field="network",
        )
    try:
        return TypeAdapter[str](Digest).validate_python(value)
    except ValidationError:
        raise NotConfigured("the network is not 0x and 64 hex digits", field="network") from None


def _roles(text: str | None) -> tuple[Role, ...]:
    try:
        return tuple(Role(name.strip()) for name in (text or "").split(",") if name.strip())
    except ValueError as error:
        known = ", ".join(Role)
        raise NotConfigured(f"INTERLOCK_LOCAL_ROLES: {error}; the roles are {known}", field="local_roles") from error


def _coordinator(text: str | None) -> AttestorSet:
    if not text:
        raise NotConfigured(
            "no coordinator is given: pass coordinator=, or set INTERLOCK_DATA_DIR or INTERLOCK_COORDINATOR",
            field="coordinator",
        )
    try:
        return AttestorSet.model_validate_json(json.dumps(json.loads(text)))
    except ValueError as error:
        raise NotConfigured(f"the coordinator is no attestor set: {error}", field="coordinator") from error
