"""What every step's activity does around its one verb: say who attempts it, and turn faults into retries.

A refusal passes through as the value that it is.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from interlock.ledgers.faults import LedgerFault, LedgerMismatch
from interlock.protocol import Attempt, trace_id_of

log = logging.getLogger("interlock.activities")

ATTEMPTS_UNTIL_TOLD = 4
"""A fault that several attempts in a row have met is worth a person's look: one line, however many steps meet it."""

_told: set[str] = set()


def this_attempt(terms_hash: str) -> Attempt:
    """Who asks the ledger: this workflow run's attempt, in the settlement's trace."""
    info = activity.info()
    span = trace.get_current_span().get_span_context()
    span_id = f"{span.span_id:016x}" if span.is_valid else secrets.token_hex(8)
    actor = f"{info.workflow_id}/{info.workflow_run_id}/{info.activity_id}#{info.attempt}"
    return Attempt(actor=actor[:200], trace_id=trace_id_of(terms_hash), span_id=span_id)


@contextmanager
def faults_are_retried(where: str) -> Iterator[None]:
    """A broken connection is a fault: retried quietly by the engine; logged when it lasts, once until it is mended."""
    try:
        yield
        _told.discard(where)
    except LedgerMismatch as error:
        raise ApplicationError(f"{where}: {error}", type="ledger_mismatch", non_retryable=True) from None
    except (LedgerFault, RPCError, TimeoutError, OSError) as error:
        text = f"{where} cannot be asked: {error or type(error).__name__}"
        if activity.info().attempt >= ATTEMPTS_UNTIL_TOLD and where not in _told:
            _told.add(where)
            log.warning("%s (attempt %d, retried until it answers)", text, activity.info().attempt)
        raise ApplicationError(text, type="fault", category=ApplicationErrorCategory.BENIGN) from None
