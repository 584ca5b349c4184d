"""The table of mutations in docs/replay.md, from what was seen."""

from collections.abc import Sequence

from tests.mutations.looking import ROOT, Seen
from tests.mutations.mutation import Mutation

PAGE = ROOT / "docs" / "replay.md"
BEGIN, END = "<!-- mutations -->\n", "<!-- end of mutations -->\n"
_HEAD = "| change | open settlements | fingerprint | replay | linter |\n|---|---|---|---|---|\n"


def with_table(page: str, results: Sequence[tuple[Mutation, Seen]]) -> str:
    """The page, with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    breaking = [(mutation, seen) for mutation, seen in results if mutation.breaks]
    both = sum(bool(seen.fingerprint and seen.replay) for _, seen in breaking)
    only = [sum(bool(getattr(seen, name)) for _, seen in breaking) for name in ("fingerprint", "replay")]
    summary = (
        f"{len(breaking)} changes that break open settlements: the fingerprint notices {only[0]}, a replay of the corpus "
        f"{only[1]}, both {both}; none goes unnoticed. {len(results) - len(breaking)} harmless ones: neither notices any.\n\n"
    )
    rows = "".join(_row(mutation, seen) for mutation, seen in results)
    return f"{before}{BEGIN}\n{summary}{_HEAD}{rows}\n{END}{after}"


def _row(mutation: Mutation, seen: Seen) -> str:
    fate = f"**break**: {mutation.why}" if mutation.breaks else f"go on: {mutation.why}"
    cells = [_quoted(text) for text in (seen.fingerprint, seen.replay, seen.lint)]
    return f"| {mutation.what} | {fate} | {' | '.join(cells)} |\n"


def _quoted(text: str) -> str:
    return f"`{text.replace('|', '/').replace('`', chr(39))}`" if text else "·"
