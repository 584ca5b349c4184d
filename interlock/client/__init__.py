"""The SDK: `SettlementClient`, the handles it gives out, and the errors they raise.

What needs Temporal's client is imported when it is first asked for: the errors and the keystore cost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interlock.client.errors import (
    AlreadyEnded,
    AmbiguousSettlement,
    Candidate,
    InstructionRefused,
    InterlockError,
    Interrupted,
    InvalidInstruction,
    NotConfigured,
    NotReached,
    NotUnderstood,
    NoWorker,
    ServiceFault,
    SettlementIdUsed,
    UnknownSettlement,
)

if TYPE_CHECKING:
    from interlock.client.handle import SettlementHandle
    from interlock.client.keystore import Keystore
    from interlock.client.settlement_client import SettlementClient

_LATER = {
    "Keystore": "interlock.client.keystore",
    "SettlementClient": "interlock.client.settlement_client",
    "SettlementHandle": "interlock.client.handle",
}

__all__ = [
    "AlreadyEnded",
    "AmbiguousSettlement",
    "Candidate",
    "InstructionRefused",
    "InterlockError",
    "Interrupted",
    "InvalidInstruction",
    "Keystore",
    "NoWorker",
    "NotConfigured",
    "NotReached",
    "NotUnderstood",
    "ServiceFault",
    "SettlementClient",
    "SettlementHandle",
    "SettlementIdUsed",
    "UnknownSettlement",
]


def __getattr__(name: str) -> Any:
    """Import what needs more than the standard library when it is first named."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
