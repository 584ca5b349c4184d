"""The table of mutations in docs/replay.md, from what was seen."""

from collections.abc import Mapping, Sequence

from tests.mutations.looking import ROOT, Seen
from tests.mutations.mutation import Mutation

PAGE = ROOT / "docs" / "replay.md"
BEGIN, END = "<!-- mutations -->\n", "<!-- end of mutations -->\n"
_HEAD = "| change | open settlements | fingerprint | replay | linter | taken over |\n|---|---|---|---|---|---|\n"


def with_table(page: str, results: Sequence[tuple[Mutation, Seen | None]], met: Mapping[str, str | None]) -> str:
    """The page, with the table as it is now; None for a mutation that has not been asked about yet.

    `met` has, by mutation, what open settlements met that were taken over by a worker with the change in it.
    """
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
    rows = "".join(_row(mutation, seen, met.get(mutation.what)) for mutation, seen in results)
    return f"{before}{BEGIN}\n{summary}{_taken_over(results, met)}{left}{_HEAD}{rows}\n{END}{after}"


def _taken_over(results: Sequence[tuple[Mutation, Seen | None]], met: Mapping[str, str | None]) -> str:
    """What the real server said of it all, in one sentence."""
    told = [(mutation.breaks, text) for mutation, _ in results if (text := met.get(mutation.what)) is not None]
    breaking, harmless = ([text for breaks, text in told if breaks is which] for which in (True, False))
    return (
        f"Of {len(breaking)} changes that break, {sum(map(bool, breaking))} kept one of six settlements from its end that "
        f"were open on a real server and taken over by a worker with the change; of {len(harmless)} harmless ones "
        f"{sum(map(bool, harmless))}.\n\n"
    )


def _row(mutation: Mutation, seen: Seen | None, met: str | None) -> str:
    fate = f"**break**: {mutation.why}" if mutation.breaks else f"go on: {mutation.why}"
    cells = ["not run"] * 3 if seen is None else [_quoted(net) for net in (seen.fingerprint, seen.replay, seen.lint)]
    cells.append("not run" if met is None else _quoted(met))
    return f"| {mutation.what} | {fate} | {' | '.join(cells)} |\n"


def _quoted(text: str) -> str:
    return f"`{text.replace('|', '/').replace('`', chr(39))}`" if text else "·"
