"""Looks come soon after one another while there is news, and seldom where nothing happens."""

import asyncio

import pytest

from interlock.worker.pace import CALM_AFTER_SECONDS, Pace

BUSY, CALM = 2.0, 4.0


class Clock:
    """A loop's time, which passes when somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_it_becomes_calm_where_there_is_no_news_and_busy_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        clock = Clock(patch)
        pace = Pace(BUSY, CALM)
        looks = []
        while not pace.is_calm:
            await pace.pause()
            looks.append(clock.now)
        assert looks == [BUSY * number for number in range(1, len(looks) + 1)]
        assert looks[-2] < CALM_AFTER_SECONDS <= looks[-1]
        calm = clock.now
        await pace.pause()
        assert clock.now == calm + CALM
        pace.news()
        await pace.pause()
        assert clock.now == calm + CALM + BUSY
