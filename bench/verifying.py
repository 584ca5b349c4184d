"""What `audit verify` takes, part by part; `python -m bench.auditing` measures it at two sizes."""

import resource
import time
from collections.abc import Awaitable
from typing import Any

from bench.place import Place
from bench.sealed import readers
from interlock.audit.verify import (
    invariant_readers,
    records_to_verify,
    verify_invariants,
    verify_journals,
    verify_tables,
)
from interlock.ledgers.processes import hands
from interlock.ledgers.verify import rows_to_verify

PARTS = ("journals", "tables", "invariants")


async def verified(place: Place) -> dict[str, Any]:
    """Seconds of each part, as the verb asks for them; what was looked at; nothing may be wrong."""
    identity = place.stack.identity
    async with readers(place) as journals:
        total = await records_to_verify(journals)
        total += await rows_to_verify(*invariant_readers(journals, identity.network))
        with hands(total) as several:
            sealed, took = await _timed(verify_journals(journals, identity.network, identity.keepers, hands=several))
            tables, took_tables = await _timed(verify_tables(journals))
            books, took_books = await _timed(verify_invariants(journals, identity.network, hands=several))
    if not (books.ok and all(each.ok for each in (*sealed.values(), *tables.values()))):
        raise RuntimeError(f"something is wrong with what was made up: {sealed} {tables} {books}")
    return {
        "records": sum(each.records + each.witnessed for each in sealed.values()),
        "seals": sum(each.seals for each in sealed.values()),
        "not_covered": sum(each.not_covered.records for each in sealed.values()),
        "journals": round(took, 2),
        "tables": round(took_tables, 2),
        "invariants": round(took_books, 2),
        "seconds": round(took + took_tables + took_books, 2),
        "largest_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


async def _timed(work: Awaitable[Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return await work, time.perf_counter() - start
