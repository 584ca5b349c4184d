"""Which side is older, where one did not understand the other: read from what pydantic and Temporal's SDK say of it.

Works against workers that know nothing of this: their words are the SDK's.
"""

import re

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from interlock.client.errors import InterlockError, NotUnderstood, ServiceFault
from interlock.protocol.names import NOT_UNDERSTOOD

_NEWER = ("extra_forbidden", "enum", "literal_error", "union_tag_invalid")
"""What pydantic calls a field or name that it does not know: the writer is of a later version."""

_NO_HANDLER = re.compile(r"handler for '(\w+)' expected but not found")
_TROUBLE = re.compile(r"^(?P<field>\S+)\n\s+(?P<text>.*?) \[type=(?P<type>\w+)", re.MULTILINE)


def misunderstood(cause: ApplicationError) -> NotUnderstood | None:
    """The error for a worker that could not read what it was sent, or has no such message; None for anything else."""
    if (unknown := _NO_HANDLER.search(cause.message)) is not None:
        return NotUnderstood("service", f"it has no `{unknown[1]}`")
    read: BaseException | None = cause
    while isinstance(read, ApplicationError):
        if read.type in (NOT_UNDERSTOOD, "ValidationError"):
            return _of_the_service(read.message)
        read = read.__cause__
    return None


def unreadable(error: BaseException) -> InterlockError | None:
    """The error for an answer that this client could not read; None if that is not what went wrong."""
    read: BaseException | None = error
    while read is not None and not isinstance(read, ValidationError):
        read = read.__cause__
    if read is None:
        return None
    first = read.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    what = f"{read.title}: {field or 'it'}: {first['msg']}"
    if first["type"] in _NEWER:
        return NotUnderstood("client", what, field)
    if first["type"] == "missing":
        return NotUnderstood("service", what, field)
    return ServiceFault(f"the service's answer cannot be read: {what}")


def _of_the_service(message: str) -> NotUnderstood:
    found = _TROUBLE.search(message)
    if found is None:
        return NotUnderstood("service", " ".join(message.split())[:200])
    older: NotUnderstood = NotUnderstood(
        "client" if found["type"] == "missing" else "service",
        f"{found['field']}: {found['text']}",
        found["field"],
    )
    return older
