"""Asks every attestor of a set what it has signed about one ledger. Believes none: whoever counts must verify.

One that does not answer, or not what was asked, is simply not among the answers.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp

from interlock.attestors.answers import MAX_REQUESTS, Votes
from interlock.protocol import Attestors, SignedStatement

READ_TIMEOUT_SECONDS = 3.0
"""How long one attestor may take for all its pages: a slow one must not keep a ledger from opening."""

MOST_STATEMENTS = 16 * MAX_REQUESTS
"""How much is read of one attestor: more than a ledger that lost nothing leaves to read, and no more than one look
at a ledger that lost much should cost."""

_MAX_PAGE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Said:
    """One attestor's statements, as it gives them; `complete` unless there are more than were read."""

    attestor: str
    signed: tuple[SignedStatement, ...]
    complete: bool


class StatementReader:
    """Reads what the attestors of one set have signed. Use as an async context manager."""

    def __init__(
        self,
        endpoints: Mapping[str, str],
        attestors: Attestors,
        *,
        most_statements: int = MOST_STATEMENTS,
        timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        """`endpoints` maps an attestor's address to its URL; others' words are never asked for.

        Of each at most so many statements are read, within so many seconds.
        """
        self._most_statements = most_statements
        self._timeout_seconds = timeout_seconds
        self._urls = {address: endpoints[address].rstrip("/") for address in attestors.keys if address in endpoints}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def about(self, ledger: str, position: int) -> list[Said]:
        """What each attestor that answers has signed about a ledger, from a position of its journal onward."""
        return await self._words({"ledger": ledger, "position": position})

    async def all(self) -> list[Said]:
        """What each attestor that answers has signed, about whatever ledger."""
        return await self._words({})

    async def _words(self, about: Mapping[str, str | int]) -> list[Said]:
        said = await asyncio.gather(*(self._word_of(address, about) for address in self._urls))
        return [each for each in said if each is not None]

    async def _word_of(self, address: str, about: Mapping[str, str | int]) -> Said | None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._all_of(address, dict(about))
        except (aiohttp.ClientError, OSError, ValueError):  # TimeoutError is an OSError, ValidationError a ValueError
            return None

    async def _all_of(self, address: str, about: dict[str, str | int]) -> Said:
        signed: list[SignedStatement] = []
        while len(signed) < self._most_statements:
            page = await self._page(address, about)
            signed += [kept.signed for kept in page.votes]
            if len(page.votes) < MAX_REQUESTS:
                return Said(address, tuple(signed), complete=True)
            about["after"] = page.votes[-1].number
            if "ledger" in about:  # pages of one ledger's are in the order of its journal
                about["position"] = page.votes[-1].signed.statement.position
        return Said(address, tuple(signed), complete=False)

    async def _page(self, address: str, query: Mapping[str, str | int]) -> Votes:
        if self._session is None:
            raise RuntimeError("use it as a context manager")
        url = f"{self._urls[address]}/statements"
        async with self._session.get(url, params=query, allow_redirects=False, raise_for_status=True) as response:
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > _MAX_PAGE_BYTES:
                    raise ValueError("its answer is too long")
        return Votes.model_validate_json(raw)
