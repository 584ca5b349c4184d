"""Bars as SVG, a row for each. It is so little that a plotting library would cost more than it saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, VALUES, ROW, BAR, TOP = 860, 210, 190, 30, 18, 44
LEGEND_COLUMNS = 5
_COLOURS = ("#2f6db3", "#d9822b", "#4d9a5b", "#8e5ea2", "#b5493b", "#6b7a8f", "#c2a83e", "#3aa6a0", "#c77da4")
_TEXT = "#222222"
_STYLE = f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="{_TEXT}"'


@dataclass(frozen=True)
class Bar:
    """A row: its parts, one after the other, by name; what stands beside it; and the least and greatest of repeats."""

    label: str
    parts: Sequence[tuple[str, float]]
    text: str
    spread: tuple[float, float] | None = None

    @property
    def length(self) -> float:
        """Of all its parts."""
        return sum(value for _, value in self.parts)


def chart(title: str, bars: Sequence[Bar]) -> str:
    """The bars on one scale from nought. Several parts are told apart by colour, and named below."""
    names = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    most = max((max((bar.length, *(bar.spread or ()))) for bar in bars), default=0.0) or 1.0
    unit = (WIDTH - LABELS - VALUES) / most
    below = ROW * -(-len(names) // LEGEND_COLUMNS) if len(names) > 1 else 0
    height = TOP + ROW * len(bars) + below + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_STYLE} role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        lines += _row(bar, TOP + ROW * number, unit, colours)
    if len(names) > 1:
        lines += _legend(names, colours, TOP + ROW * len(bars))
    return "\n".join([*lines, "</svg>", ""])


def _row(bar: Bar, top: float, unit: float, colours: dict[str, str]) -> list[str]:
    middle = top + ROW / 2
    lines = [f'<text x="{LABELS - 10}" y="{middle + 4:.0f}" text-anchor="end">{escape(bar.label)}</text>']
    left = float(LABELS)
    for name, value in bar.parts:
        wide, high = value * unit, middle - BAR / 2
        lines.append(f'<rect x="{left:.1f}" y="{high:.1f}" width="{wide:.1f}" height="{BAR}" fill="{colours[name]}"/>')
        left += wide
    if bar.spread is not None and bar.spread[0] != bar.spread[1]:
        first, last = (LABELS + each * unit for each in bar.spread)
        lines.append(
            f'<path d="M{first:.1f} {middle:.1f}H{last:.1f}M{first:.1f} {middle - 5:.1f}v10M{last:.1f} '
            f'{middle - 5:.1f}v10" stroke="{_TEXT}" fill="none"/>'
        )
        left = max(left, last)
    return [*lines, f'<text x="{left + 8:.1f}" y="{middle + 4:.0f}">{escape(bar.text)}</text>']


def _legend(names: Sequence[str], colours: dict[str, str], top: float) -> list[str]:
    lines = []
    for number, name in enumerate(names):
        left = 12 + number % LEGEND_COLUMNS * (WIDTH - 12) / LEGEND_COLUMNS
        high = top + number // LEGEND_COLUMNS * ROW
        lines.append(f'<rect x="{left:.0f}" y="{high + 8:.0f}" width="12" height="12" fill="{colours[name]}"/>')
        lines.append(f'<text x="{left + 17:.0f}" y="{high + 19:.0f}">{escape(name)}</text>')
    return lines
