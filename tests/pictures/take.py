"""`make pictures`: trades as Temporal's Web UI shows them, and the page that `audit show --html` writes of one.

Starts a stack, brings the trades about, and photographs them into docs/img. Look at each picture afterwards.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from interlock.demo.trade import Trade
from interlock.demo.world import World, opened
from interlock.protocol.names import AMOUNT, ASSET, OUTCOME, STAGE, SUSPENDED, WAITING_FOR
from tests.pictures import trades
from tests.pictures.browser import PATIENCE_SECONDS, Page, browser

FOLDER = Path(__file__).parents[2] / "docs" / "img"
WIDTH, HEIGHT = 1600, 2400
FILTER = quote(ASSET + '="OUSG"')
LIST_WIDTH = 1800
PAGE_WIDTH = 1040
COLUMNS = ("Status", "Workflow ID", ASSET, AMOUNT, STAGE, OUTCOME, WAITING_FOR, SUSPENDED)

BOTTOM = "Math.max(...[...document.querySelectorAll(%s)].map(each => each.getBoundingClientRect().bottom))"
# the chart's lower edge, once every step's label lies inside it and has stayed where it is for a few frames
CHART_BOTTOM = """(async () => {
  const all = [...document.body.querySelectorAll("*")];
  const labels = all.filter(each => !each.children.length && each.textContent.includes(" • "));
  let chart = labels.at(-1);
  while (chart && chart.getBoundingClientRect().height < 300) chart = chart.parentElement;
  if (!chart) return false;
  const places = () => labels.map(each => each.getBoundingClientRect());
  const before = JSON.stringify(places());
  for (let frame = 0; frame < 10; frame++) await new Promise(done => requestAnimationFrame(done));
  const edge = chart.getBoundingClientRect();
  const inside = places().every(each => each.left >= edge.left && each.right <= edge.right && each.width > 0);
  return inside && before === JSON.stringify(places()) && edge.bottom + window.scrollY;
})()"""
PAGE_SAYS = "document.body.innerText.includes(%s)"


async def take(folder: Path) -> None:
    """All pictures."""
    with tempfile.TemporaryDirectory(prefix="interlock-pictures-") as data:
        async with opened(Path(data)) as world, browser() as page:
            settled = await trades.settled(world)
            await details(page, world, settled, "SETTLED", folder / "web-ui-settled.png")
            await timeline(page, world, settled, folder / "web-ui-timeline.png")
            expired = await trades.expired(world)
            await details(page, world, expired, "EXPIRED", folder / "web-ui-expired.png")
            waiting = await trades.waiting(world)
            await details(page, world, waiting, "Waits because", folder / "web-ui-waiting.png")
            suspended = await trades.suspended(world)
            await details(page, world, suspended, "SUSPENDED", folder / "web-ui-suspended.png")
            await listed(page, world, (settled, expired, waiting, suspended), folder / "web-ui-list.png")
            await audit_page(page, world, await trades.audited(world), folder / "audit-page.png")


async def details(page: Page, world: World, trade: Trade, words: str, file: Path) -> None:
    """What the settlement says of itself, once it says these words."""
    await page.open(f"{await _run_page(world, trade)}/user-metadata", WIDTH, HEIGHT)
    await page.framed(3, words)
    await _picture(page, "iframe", file)


async def timeline(page: Page, world: World, trade: Trade, file: Path) -> None:
    """Each step with its summary."""
    await page.open(f"{await _run_page(world, trade)}/timeline", WIDTH, HEIGHT)
    await page.until(PAGE_SAYS % json.dumps("OUSG to northbank"))
    panel = "[...document.querySelectorAll('h2')].find(title => title.innerText.startsWith('Timeline'))"
    top = await page.until(f"{panel}.getBoundingClientRect().top + window.scrollY")
    bottom = await page.until(CHART_BOTTOM)
    await page.picture(file, {"x": 260, "y": top - 16, "width": WIDTH - 260, "height": bottom - top + 32})


async def listed(page: Page, world: World, shown: tuple[Trade, ...], file: Path) -> None:
    """The list, with search attributes as columns and one of them as its filter."""
    ui = world.stack.temporal.ui_url
    columns = json.dumps({"default": [{"label": label} for label in COLUMNS]})
    await page.until(f"localStorage.setItem('namespace-workflow-table-columns', {json.dumps(columns)}) ?? true")
    await page.open(f"{ui}/namespaces/default/workflows?query={FILTER}", LIST_WIDTH, 640)
    for trade in shown:
        await page.until(PAGE_SAYS % json.dumps(trade.settlement_id))
    await page.until(PAGE_SAYS % json.dumps(SUSPENDED))
    await page.picture(file)


async def audit_page(page: Page, world: World, trade: Trade, file: Path) -> None:
    """What `audit show --html` writes, once the trade's end is recorded and sealed."""
    written = world.stack.data_dir / "audit.html"
    words = [sys.executable, "-m", "interlock.cli.main", "--data-dir", str(world.stack.data_dir), "--json"]
    words += ["audit", "show", trade.terms_hash, "--html", str(written)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
            told = json.loads(out)
            if told["ended"] and not any("not yet" in each["state"] for each in told["evidence"]):
                break
    await page.open(written.as_uri(), PAGE_WIDTH, HEIGHT)
    bottom = await page.until("document.querySelector('h2:last-of-type').getBoundingClientRect().top + window.scrollY")
    await page.picture(file, {"x": 0, "y": 0, "width": PAGE_WIDTH, "height": bottom})


async def _run_page(world: World, trade: Trade) -> str:
    run = await world.temporal.get_workflow_handle(trade.handle.workflow_id).describe()
    return f"{world.stack.temporal.ui_url}/namespaces/default/workflows/{quote(run.id, safe='')}/{run.run_id}"


async def _picture(page: Page, lowest: str, file: Path) -> None:
    """From the top of the page down to a little below the lowest of these elements."""
    bottom = await page.until(BOTTOM % json.dumps(lowest))
    await page.picture(file, {"x": 0, "y": 0, "width": WIDTH, "height": bottom + 24})


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(FOLDER))
    for file in sorted([*FOLDER.glob("web-ui-*.png"), *FOLDER.glob("audit-*.png")]):
        sys.stdout.write(f"{file.name}: {file.stat().st_size // 1000} kB\n")
