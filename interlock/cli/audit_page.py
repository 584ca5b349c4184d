"""A settlement's story as one HTML page that needs nothing else: for people who read it on paper, too. Pure.

Everything that others wrote (reasons, refusals, names) is escaped. Shapes and words carry what colours do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from interlock.audit.story import LANES, Act, Kind, Lane, Story, Wait

WIDTH, LEFT, RIGHT = 1000, 128, 20
LANE_HEIGHT, COLUMN = 44, 26
_MARKS: dict[Kind, tuple[str, str]] = {
    "signed": ("signed, withdrawn or consented", '<path d="M{x} {t}L{r} {b}L{l} {b}Z" class="mark"/>'),
    "effect": ("effect on a ledger", '<rect x="{l}" y="{t}" width="14" height="14" class="mark full"/>'),
    "certificate": ("certificate", '<circle cx="{x}" cy="{y}" r="7" class="mark full"/>'),
    "step": ("question answered", '<circle cx="{x}" cy="{y}" r="4" class="mark"/>'),
    "refusal": ("refused", '<path d="M{l} {t}L{r} {b}M{l} {b}L{r} {t}" class="stroke"/>'),
    "fault": ("failed", '<path d="M{l} {t}L{r} {b}M{l} {b}L{r} {t}M{x} {t}L{x} {b}" class="stroke"/>'),
    "dissent": ("dissent", '<path d="M{x} {t}L{r} {y}L{x} {b}L{l} {y}Z" class="mark full"/>'),
    "order": ("order", '<path d="M{l} {t}L{r} {t}L{x} {b}Z" class="mark"/>'),
    "recovery": ("taken up again", '<rect x="{l}" y="{t}" width="14" height="14" class="mark"/>'),
    "end": ("end", '<circle cx="{x}" cy="{y}" r="7" class="mark"/><circle cx="{x}" cy="{y}" r="3" class="mark full"/>'),
}
_STYLE = """
@page { size: A4; margin: 14mm 12mm; }
* { box-sizing: border-box; }
body { font: 13px/1.45 "Liberation Sans", Arial, Helvetica, sans-serif; color: #111; max-width: 1040px;
  margin: 0 auto; padding: 24px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 15px; margin: 26px 0 8px; border-bottom: 1px solid #888; }
header { display: flex; justify-content: space-between; align-items: flex-start; gap: 16px; }
header p { margin: 2px 0; color: #444; }
.state { border: 2px solid #111; padding: 4px 12px; font-weight: bold; font-size: 16px; white-space: nowrap; }
.state.SETTLED { background: #111; color: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 4px 8px 4px 0; border-bottom: 1px solid #ccc;
  overflow-wrap: break-word; }
th { font-size: 11px; color: #444; } .n { text-align: right; white-space: nowrap; }
.facts th { width: 16%; font-size: 13px; }
.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.hash { font-family: "Liberation Mono", Menlo, Consolas, monospace; font-size: 11px; overflow-wrap: anywhere; }
.why { color: #444; font-size: 12px; } .mark { fill: #fff; stroke: #111; stroke-width: 1.5; } .full { fill: #333; }
.stroke { stroke: #111; stroke-width: 2; fill: none; }
.refusal td, .fault td, .dissent td { background: #f1f1f1; }
svg { width: 100%; height: auto; display: block; } svg text { font: 12px "Liberation Sans", Arial, sans-serif; }
svg .small { font-size: 10px; } svg .lane { stroke: #bbb; } svg .wait { fill: url(#hatch); stroke: #555; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 11px; margin: 6px 0; }
.legend span { display: inline-flex; align-items: center; gap: 4px; } .legend svg { width: 18px; }
thead { display: table-header-group; } tr, svg, header { break-inside: avoid; } h2 { break-after: avoid; }
@media print { body { padding: 0; max-width: none; font-size: 10pt; } a { color: inherit; text-decoration: none; } }
"""


@dataclass(frozen=True)
class Row:
    """An act, or a run of attempts that were refused alike, one after the other."""

    number: int
    act: Act
    times: int
    last: datetime


def rows_of(acts: Sequence[Act]) -> list[Row]:
    """The acts, numbered; attempts that met the very same refusal one after the other become one row."""
    rows: list[Row] = []
    for act in acts:
        before = rows[-1] if rows else None
        if before is not None and act.kind in ("refusal", "fault") and _alike(before.act, act):
            rows[-1] = Row(before.number, before.act, before.times + 1, act.until)
        else:
            rows.append(Row(len(rows) + 1, act, 1, act.until))
    return rows


def _alike(one: Act, other: Act) -> bool:
    return (one.kind, one.step, one.code, one.what) == (other.kind, other.step, other.code, other.what)


def page(story: Story, evidence: Sequence[tuple[str, str]], now: datetime) -> str:
    """The whole page. `evidence` says where each record stands and in which block it is sealed."""
    name = escape(story.settlement_id or story.terms_hash)
    rows = rows_of(story.acts)
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Settlement {name}</title>',
        f"<style>{_STYLE}</style>\n</head>\n<body>",
        f"<header><div><h1>Settlement {name}</h1><p>Delivery versus payment: what happened, in order.",
        f'All times are UTC.</p><p>Written {time(now)}.</p></div><div class="state {escape(story.state)}">',
        f"{escape(story.state)}</div></header>",
        *_facts(story, rows),
        "<h2>Timeline</h2>",
        _timeline(story, rows, now),
        *_legend(rows),
        *_waits(story, now),
        *_acts(rows),
        *_evidence(evidence),
        *_appendix(story, rows),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def time(moment: datetime) -> str:
    """A time as people read it, to the millisecond, with what zone it is in."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z"


def counted(count: int, what: str) -> str:
    """ "1 wait", "2 waits"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def lasting(seconds: float) -> str:
    """A duration in the two largest units that it has: "1 h 5 min", "12.3 s", "8 ms"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {seconds % 60:.0f} s"


def _facts(story: Story, rows: Sequence[Row]) -> Iterator[str]:
    yield '<table class="facts">'
    for side, address in (("Seller", story.seller), ("Buyer", story.buyer)):
        yield f'<tr><th scope="row">{side}</th><td class="hash">{escape(address)}</td></tr>'
    for title, leg in (("Delivery", story.delivery), ("Payment", story.payment)):
        if leg is not None:
            way = f" from {escape(leg.deliverer)} to {escape(leg.receiver)}" if leg.deliverer else ""
            yield (
                f'<tr><th scope="row">{title}</th><td><b>{escape(leg.amount)}</b>{way}, '
                f"on ledger {escape(leg.ledger)}</td></tr>"
            )
    yield f'<tr><th scope="row">Settle by</th><td>{escape(_moment(story.settle_by))}</td></tr>'
    outcome = escape(story.state)
    if story.reason:
        outcome += f", because {escape(story.reason)}"
    if not story.ended:
        outcome += " (its end is not recorded: it is open, or has just ended)"
    yield f'<tr><th scope="row">Outcome</th><td>{outcome}</td></tr>'
    if story.acts:
        first, last = story.acts[0].at, max(act.until for act in story.acts)
        lasted = lasting((last - first).total_seconds())
        yield f'<tr><th scope="row">From, to</th><td>{time(first)} to {time(last)}: {lasted}</td></tr>'
    said = (
        f"{counted(len(rows), 'thing')} happened; {counted(len(story.waits), 'wait')}, "
        f"{counted(story.retries, 'attempt')} refused or failed, {counted(len(story.dissents), 'dissent')}"
    )
    yield f'<tr><th scope="row">In short</th><td>{said}</td></tr></table>'


def _moment(text: str) -> str:
    try:
        return time(datetime.fromisoformat(text))
    except ValueError:
        return text


class _Axis:
    """Where a moment is drawn: each row has a column, wider after a longer pause; between columns, in proportion."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.columns: list[float] = []
        self.moments: list[datetime] = []
        at = 0.0
        for row in rows:
            if self.moments:
                pause = (row.act.until - self.moments[-1]).total_seconds()
                at += 1.0 + min(max(pause, 0.0), 3600.0) ** 0.25 * 0.6
            self.columns.append(at)
            self.moments.append(max([row.act.until, *self.moments[-1:]]))
        scale = (WIDTH - LEFT - RIGHT - 2 * COLUMN) / (self.columns[-1] or 1.0) if self.columns else 1.0
        scale = min(scale, 4.0 * COLUMN)
        self.columns = [LEFT + COLUMN + each * scale for each in self.columns]

    def place(self, moment: datetime) -> float:
        """The place of any moment."""
        if not self.moments or moment <= self.moments[0]:
            return self.columns[0] if self.columns else LEFT
        for number in range(1, len(self.moments)):
            early, late = self.moments[number - 1], self.moments[number]
            if moment <= late:
                part = (moment - early) / (late - early) if late > early else 1.0
                return self.columns[number - 1] + part * (self.columns[number] - self.columns[number - 1])
        return min(self.columns[-1] + COLUMN, WIDTH - RIGHT)


def _timeline(story: Story, rows: Sequence[Row], now: datetime) -> str:
    lanes = [lane for lane in LANES if lane != "operators" or any(row.act.lane == lane for row in rows)]
    axis = _Axis(rows)
    top = 18 + 16 * len(story.waits)
    bottom = top + LANE_HEIGHT * len(lanes)
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {bottom + 40}" role="img" aria-labelledby="pt pd">',
            f'<title id="pt">Timeline of settlement {escape(story.settlement_id)}</title>',
            '<desc id="pd">Who did what, one after the other, from left to right; hatched: a wait. The numbers are',
            "those of the list below, which says the same in words. Long pauses are shortened.</desc>",
            '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"',
            'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff" fill-opacity=".6"/>',
            '<line x1="0" y1="0" x2="0" y2="6" stroke="#aaa" stroke-width="2"/></pattern></defs>',
            *_wait_bars(story.waits, axis, bottom, now),
            *_lanes(lanes, top),
            *_marks(rows, lanes, axis, top),
            *_ticks(rows, axis, bottom),
            "</svg>",
        ]
    )


def _wait_bars(waits: Sequence[Wait], axis: _Axis, bottom: int, now: datetime) -> Iterator[str]:
    for number, wait in enumerate(waits):
        left = axis.place(wait.since)
        width = max((axis.place(wait.until) if wait.until else WIDTH - RIGHT) - left, 3.0)
        label = f"waits {lasting(wait.seconds(now))}: {wait.code or 'something'}"
        line = 14 + 16 * number
        anchor = "start" if left < WIDTH * 0.6 else "end"
        yield f'<rect x="{left:.1f}" y="{line + 3}" width="{width:.1f}" height="{bottom - line - 3}" class="wait"/>'
        x = left if anchor == "start" else left + width
        yield f'<text x="{x:.1f}" y="{line}" text-anchor="{anchor}">{escape(label)}</text>'


def _lanes(lanes: Sequence[Lane], top: int) -> Iterator[str]:
    for place, lane in enumerate(lanes):
        y = top + LANE_HEIGHT * place + LANE_HEIGHT // 2
        yield f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" class="lane"/>'
        yield f'<text x="0" y="{y + 4}">{lane[0].upper() + lane[1:]}</text>'


def _marks(rows: Sequence[Row], lanes: Sequence[Lane], axis: _Axis, top: int) -> Iterator[str]:
    close = len(axis.columns) > 1 and (axis.columns[-1] - axis.columns[0]) / len(axis.columns) < 14
    for row, x in zip(rows, axis.columns, strict=True):
        y = top + LANE_HEIGHT * lanes.index(row.act.lane) + LANE_HEIGHT // 2
        words = escape(f"{row.number}. {time(row.act.until)} {row.act.what}")
        yield f"<g><title>{words}</title>{_mark(row.act.kind, x, y)}"
        if not close or row.number % 5 == 0:
            label = f"{row.number}" + (f" \N{MULTIPLICATION SIGN}{row.times}" if row.times > 1 else "")
            yield f'<text x="{x:.1f}" y="{y - 11}" text-anchor="middle" class="small">{label}</text>'
        yield "</g>"


def _mark(kind: Kind, x: float, y: float) -> str:
    places = {"x": x, "y": y, "l": x - 7, "r": x + 7, "t": y - 7, "b": y + 7}
    return _MARKS[kind][1].format(**{name: f"{value:.1f}" for name, value in places.items()})


def _ticks(rows: Sequence[Row], axis: _Axis, bottom: int) -> Iterator[str]:
    free = 0.0
    for row, x in zip(rows, axis.columns, strict=True):
        if x - 34 < free:
            continue
        free = x + 38
        yield f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 6}" class="lane"/>'
        yield (
            f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="small">'
            f"{time(row.act.until)[11:-1]}</text>"
        )
    if rows:
        yield f'<text x="{LEFT}" y="{bottom + 34}" class="small">from {rows[0].act.at.astimezone(UTC):%Y-%m-%d}</text>'


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    there = {row.act.kind for row in rows}
    yield '<div class="legend">'
    for kind, (words, _) in _MARKS.items():
        if kind in there:
            yield f'<span><svg viewBox="0 0 18 18" aria-hidden="true">{_mark(kind, 9, 9)}</svg>{words}</span>'
    yield "</div>"


def _waits(story: Story, now: datetime) -> Iterator[str]:
    if not story.waits:
        return
    yield "<h2>Waits</h2><table><thead><tr><th>from</th><th>to</th><th>lasted</th><th>why</th><th>who had to act</th>"
    yield '<th class="n">attempts</th></tr></thead>'
    for wait in story.waits:
        until = time(wait.until) if wait.until else "goes on"
        yield (
            f'<tr><td class="time">{time(wait.since)}</td><td class="time">{until}</td>'
            f'<td class="time">{lasting(wait.seconds(now))}</td><td>{escape(wait.text)} '
            f'<span class="why">[{escape(wait.code)}]</span></td><td>{escape(wait.who)}</td>'
            f'<td class="n">{wait.attempts}</td></tr>'
        )
    yield "</table>"


def _acts(rows: Sequence[Row]) -> Iterator[str]:
    yield '<h2>What happened</h2><table><thead><tr><th class="n">no.</th><th>time</th><th>where</th>'
    yield "<th>what, and on whose authority</th></tr></thead>"
    for row in rows:
        act = row.act
        times = f"<br>{row.times} times, until {time(row.last)}" if row.times > 1 else ""
        more = [f"by {act.who}"] if act.who and act.who not in act.what and act.who != act.lane else []
        more += [f"attempt {act.attempt}"] if act.attempt and act.attempt > 1 else []
        more += [f"journal entry {act.position} of {act.ledger}"] if act.position is not None and act.ledger else []
        more += ["reconstructed from the ledger's entry: the span itself was lost"] if act.reconstructed else []
        authority = "".join(f'<br><span class="why">on {escape(each)}</span>' for each in act.authority)
        code = f' <span class="why">[{escape(act.code)}]</span>' if act.code else ""
        yield (
            f'<tr class="{act.kind}" id="act-{row.number}"><td class="n">{row.number}</td>'
            f'<td class="time">{time(act.until)}</td><td class="time">{act.lane}</td>'
            f'<td>{escape(act.what)}{code}{times}<br><span class="why">{escape("; ".join(more))}</span>'
            f"{authority}</td></tr>"
        )
    yield "</table>"


def _evidence(evidence: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not evidence:
        return
    yield "<h2>Evidence</h2><table><thead><tr><th>record</th><th>sealed</th></tr></thead>"
    for record, state in evidence:
        yield f"<tr><td>{escape(record)}</td><td>{escape(state)}</td></tr>"
    yield ("</table><p>This page shows what is recorded. It verifies no signature and no seal.</p>")


def _appendix(story: Story, rows: Sequence[Row]) -> Iterator[str]:
    yield '<h2>Appendix: hashes and references</h2><table class="facts">'
    for title, value in (("Terms hash", story.terms_hash), ("Trace", story.trace_id)):
        yield f'<tr><th scope="row">{title}</th><td class="hash">{escape(value)}</td></tr>'
    for row in rows:
        if row.act.reference or row.act.span_id:
            reference = f"reference {row.act.reference}, " if row.act.reference else ""
            said = escape(f"{reference}span {row.act.span_id}")
            yield f'<tr><th scope="row">No. {row.number}</th><td class="hash">{said}</td></tr>'
    yield "</table>"
