"""A workflow as nobody should write it: looks at the clock, or asks chance. The sandbox must stop each of these."""

import random
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from temporalio import workflow

CARELESS: dict[str, Callable[[], object]] = {
    "datetime.now": lambda: datetime.now(UTC),
    "random": lambda: random.randint(1, 6),
    "secrets": lambda: secrets.token_hex(4),
    "time": lambda: int(time.time()),
    "uuid4": lambda: uuid.uuid4().hex,
}


@workflow.defn
class Careless:
    """Does one careless thing, and says what came of it."""

    @workflow.run
    async def run(self, what: str) -> str:
        """The value that a replay would not see again."""
        return str(CARELESS[what]())
