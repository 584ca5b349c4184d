"""A headless Chromium, driven over its DevTools protocol: opens pages, waits for conditions on them, takes pictures.

Knows nothing of settlements. Only for pictures: no test needs a browser.
"""

import asyncio
import base64
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.pictures.png import smaller

PATIENCE_SECONDS = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=IsolateSandboxedIframes",
    "--hide-scrollbars",
    "--disable-lcd-text",  # coloured edges of letters would double a picture's size
    "--remote-debugging-port=0",
)


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command, and its result. Raises RuntimeError with the browser's message."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    break
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def open(self, url: str, width: int, height: int) -> None:
        """Go to an address, in a window of this many CSS pixels."""
        await self.tell(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await self.tell("Page.navigate", url=url)

    async def asked(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page; None while the page has no answer."""
        answer = await self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return None if "exceptionDetails" in answer else answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The first true value of an expression. Raises TimeoutError with the page's text."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (value := await self.asked(expression)):
                    await self.asked("new Promise(done => requestAnimationFrame(done))")
        except TimeoutError:
            text = await self.asked("document.body.innerText")
            raise TimeoutError(f"in vain: {expression}\non the page:\n{text}") from None
        return value

    async def framed(self, count: int, words: str) -> None:
        """Until so many frames are there, each high enough for the words in it, and one of them says these words.

        The frames are sealed off from the page, so each is asked in a world of its own.
        """
        said: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    said = [text for text in await self._frames() if text]
                    if len(said) >= count and any(words in text for text in said):
                        return
                    await self.asked("new Promise(done => requestAnimationFrame(done))")
        except TimeoutError:
            raise TimeoutError(f"{count} frames with {words!r} in vain; whole ones: {said}") from None

    async def _frames(self) -> list[str]:
        """Each frame's text; empty for one that is not yet whole."""
        tree = (await self.tell("Page.getFrameTree"))["frameTree"]
        heights = await self.asked(
            "Object.fromEntries([...document.querySelectorAll('iframe')].map(each => [each.src, each.clientHeight]))"
        )
        texts = []
        for child in tree.get("childFrames", []):
            frame = child["frame"]
            try:
                world = await self.tell("Page.createIsolatedWorld", frameId=frame["id"])
                answer = await self.tell(
                    "Runtime.evaluate",
                    contextId=world["executionContextId"],
                    returnByValue=True,
                    expression="document.readyState === 'complete' &&"
                    " [Math.max(...[...document.querySelectorAll('p, li, td, h3')].map(each =>"
                    " each.getBoundingClientRect().bottom)), document.body.innerText.trim()]",
                )
            except RuntimeError:  # the page has replaced it meanwhile
                continue
            lowest, text = answer["result"].get("value") or (None, "")  # an empty page has no lowest words
            whole = lowest is not None and (heights or {}).get(frame["url"], 0) >= lowest
            texts.append(text if whole else "")
        return texts

    async def picture(self, file: Path, clip: dict[str, float] | None = None) -> None:
        """Save what the window shows, or a part of the page, as PNG."""
        more: dict[str, Any] = {"clip": clip | {"scale": 1}, "captureBeyondViewport": True} if clip else {}
        answer = await self.tell("Page.captureScreenshot", format="png", **more)
        await asyncio.to_thread(file.write_bytes, smaller(base64.b64decode(answer["data"])))


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A tab in a browser of its own, with a fresh profile. Raises FileNotFoundError where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise FileNotFoundError("no Chromium is installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="interlock-chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{await _port(Path(profile))}/json/list") as answer:
                    tabs = await answer.json()
                tab = next(tab for tab in tabs if tab["type"] == "page")
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            process.terminate()
            await process.wait()


async def _port(profile: Path) -> int:
    """The port that the browser chose, once it says so."""
    said = profile / "DevToolsActivePort"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (said.exists() and (lines := said.read_text().splitlines())):  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.05)
    return int(lines[0])
