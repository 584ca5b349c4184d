"""Figures as text, and Markdown tables of them."""

from collections.abc import Iterable, Iterator, Sequence

from bench.figures import Figure

NOT_MEASURED = "not measured"


def text(figure: Figure | None, digits: int = 1, factor: float = 1.0) -> str:
    """The figure times a factor, or a dash."""
    return "-" if figure is None else figure.text(digits, factor)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The table's lines; a word instead of one with no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        yield f"{NOT_MEASURED.capitalize()}.\n"
        return
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    yield from lines
    yield ""
