"""The table of mutations in docs/replay.md, from what was seen."""

from collections.abc import Sequence

from tests.mutations.looking import ROOT, Seen
from tests.mutations.mutation import Mutation

PAGE = ROOT / "docs" / "replay.md"
BEGIN, END = "<!-- mutations -->\n", "<!-- end of mutations -->\n"
_HEAD = "| change | open settlements | fingerprint | replay | linter |\n|---|---|---|---|---|\n"


def with_table(page: str, results: Sequence[tuple[Mutation, Seen | None]]) -> str:
    """The page, with the table as it is now; None for a mutation that has not been asked about yet."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    asked = [(mutation, seen) for mutation, seen in results if seen is not None]
    breaking = [seen for mutation, seen in asked if mutation.breaks]
    by_fingerprint, by_replay = ([seen for seen in breaking if getattr(seen, net)] for net in ("fingerprint", "replay"))
    unnoticed = [seen for seen in breaking if not (seen.fingerprint or seen.replay)]
    mistaken = [seen for mutation, seen in asked if not mutation.breaks and (seen.fingerprint or seen.replay)]
    summary = (
        f"Of {len(breaking)} changes that break open settlements the fingerprint notices {len(by_fingerprint)}, a replay "
        f"of the corpus {len(by_replay)}, neither {len(unnoticed)}. Of {len(asked) - len(breaking)} harmless ones they "
        f"take {len(mistaken)} for breaking.\n\n"
    )
    left = f"{len(results) - len(asked)} have not been asked about yet.\n\n" if len(asked) < len(results) else ""
    rows = "".join(_row(mutation, seen) for mutation, seen in results)
    return f"{before}{BEGIN}\n{summary}{left}{_HEAD}{rows}\n{END}{after}"


def _row(mutation: Mutation, seen: Seen | None) -> str:
    fate = f"**break**: {mutation.why}" if mutation.breaks else f"go on: {mutation.why}"
    cells = ["not run"] * 3 if seen is None else [_quoted(net) for net in (seen.fingerprint, seen.replay, seen.lint)]
    return f"| {mutation.what} | {fate} | {' | '.join(cells)} |\n"


def _quoted(text: str) -> str:
    return f"`{text.replace('|', '/').replace('`', chr(39))}`" if text else "·"
