"""How often something is looked at that is mostly still: soon again while there is news, less often once it has become
calm. A system in which nothing happens costs little."""

import asyncio

CALM_AFTER_SECONDS = 15.0


class Pace:
    """Begins with news. For use in a running event loop, by whose clock it goes."""

    def __init__(self, busy_seconds: float, calm_seconds: float) -> None:
        """How long to pause after a look while there is news, and when there has been none for CALM_AFTER_SECONDS."""
        self._busy_seconds = busy_seconds
        self._calm_seconds = calm_seconds
        self._loop = asyncio.get_running_loop()
        self.news()

    def news(self) -> None:
        """There is something new."""
        self._newest = self._loop.time()

    @property
    def is_calm(self) -> bool:
        """Whether there has been no news for a while."""
        return self._loop.time() - self._newest >= CALM_AFTER_SECONDS

    async def pause(self) -> None:
        """Return when it is time to look again."""
        await asyncio.sleep(self._calm_seconds if self.is_calm else self._busy_seconds)
