"""Turns Temporal's errors into the client's own. Decides nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from interlock.client.errors import (
    AlreadyEnded,
    InstructionRefused,
    InterlockError,
    Interrupted,
    InvalidInstruction,
    NotReached,
    NoWorker,
    ServiceFault,
    SettlementIdUsed,
    UnknownSettlement,
)
from interlock.client.understanding import misunderstood, unreadable

_BY_CODE: dict[str, type[InterlockError]] = {
    "id_used": SettlementIdUsed,
    "already_ended": AlreadyEnded,
    "signature_invalid": InvalidInstruction,
    "wrong_signer": InvalidInstruction,
    "wrong_settlement": InvalidInstruction,
    "deadline_passed": InvalidInstruction,
}
_FIELDS = {
    "id_used": "settlement_id",
    "signature_invalid": "signature",
    "wrong_signer": "signature",
    "deadline_passed": "settle_by",
}
_NEVER_TAKEN_UP = "closed before"  # the server tells this from "no worker" by its words alone
NO_WORKER = "no worker answers for settlements; start one with `interlock up` or `interlock worker`"


def refusal_of(cause: BaseException | None) -> InterlockError:
    """The client's error for what a settlement raised."""
    if not isinstance(cause, ApplicationError):
        return ServiceFault(f"the settlement could not answer: {cause}")
    if (older := misunderstood(cause)) is not None:
        return older
    if not cause.type or cause.type == "no_proposal":
        return UnknownSettlement(cause.message)
    kind = _BY_CODE.get(cause.type, InstructionRefused)
    return kind(cause.message, code=cause.type, field=_FIELDS.get(cause.type, ""))


def fault_of(error: RPCError) -> InterlockError:
    """The client's error for what the server, or the way to it, answered."""
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return UnknownSettlement("no such settlement is known")
        case RPCStatusCode.UNAVAILABLE | RPCStatusCode.UNKNOWN:
            return NotReached(f"the Temporal server does not answer: {error.message}")
        case RPCStatusCode.FAILED_PRECONDITION if _NEVER_TAKEN_UP in error.message:
            return Interrupted("the settlement's run was ended before a worker had taken it up")
        case RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED | RPCStatusCode.FAILED_PRECONDITION:
            return NoWorker(NO_WORKER)
        case _:
            return ServiceFault(f"the Temporal server answers {error.status.name}: {error.message}")


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise the client's own errors for those of Temporal that come out of the block."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        raise refusal_of(error.cause) from None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        if "proposed terms" in str(error):
            raise UnknownSettlement("nobody has proposed terms for this settlement yet") from None
        if (older := misunderstood(ApplicationError(str(error)))) is not None:
            raise older from None
        raise ServiceFault(f"the settlement cannot report: {error}") from None
    except (RPCTimeoutOrCancelledError, TimeoutError):
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # Temporal's client turns our caller's cancel into this
            raise asyncio.CancelledError from None
        raise NoWorker(NO_WORKER) from None
    except RPCError as error:
        raise fault_of(error) from None
    except (ValidationError, RuntimeError) as error:
        if (unread := unreadable(error)) is None:
            raise
        raise unread from None
