"""docs/safeguards.md, from the results: which check noticed which safeguard's absence, and in what words."""

from collections.abc import Sequence

from tests.safeguards.checks import Kind
from tests.safeguards.removal import ROOT, Safeguard
from tests.safeguards.results import Result, Results

PAGE = ROOT / "docs" / "safeguards.md"
INDEPENDENT = (Kind.MODEL, Kind.MACHINE, Kind.MATRIX, Kind.CHAOS)
"""Checks that know the design and not the safeguard: one of them must notice what the design cannot do without."""

_HEAD = """# Safeguards, taken out one at a time

Every row is measured: `make safeguards` copies the tree, takes one safeguard out of the copy, with all layers of it
where several back each other up, and runs the checks that should notice. The same checks are green on the tree as it
is. **red**: the check noticed. *green*: it ran and noticed nothing. A dot: it was not run for this one.

- **model**: the [protocol model](../tests/protocol_model) with the same rule missing finds a counterexample. It is the
  design that is searched, not the code.
- **machine**: random programs on the ledgers, every answer compared with an independent model.
- **tests**: tests of what the safeguard is for, such as those of a [hazard](hazards.md).
- **matrix**: cells of the [crash matrix](crash-matrix.md). **chaos**: a short chaos.

"""
_TABLE = (
    "| safeguard | what was taken out | model | machine | tests | matrix | chaos |\n|---|---|---|---|---|---|---|\n"
)


def judged(safeguard: Safeguard, results: Results) -> tuple[bool, bool]:
    """Whether all its checks were run, and whether one noticed that must."""
    said = {check: results.of(safeguard, check) for check in safeguard.checks}
    enough = [each for check, each in said.items() if each and (not safeguard.listed or check.kind in INDEPENDENT)]
    return None not in said.values(), any(each.noticed for each in enough)


def page(safeguards: Sequence[Safeguard], results: Results) -> str:
    """The whole page."""
    rows = [_row(each, results) for each in safeguards]
    words = [text for each in safeguards for text in _words(each, results)]
    return f"{_HEAD}{_TABLE}{''.join(rows)}\n## In the checks' own words\n{''.join(words)}"


def _row(safeguard: Safeguard, results: Results) -> str:
    removed = f"{safeguard.removed} (layers: {safeguard.layers})" if safeguard.layers else safeguard.removed
    return f"| {safeguard.name} | {removed} | {' | '.join(_cell(safeguard, kind, results) for kind in Kind)} |\n"


def _cell(safeguard: Safeguard, kind: Kind, results: Results) -> str:
    said = [results.of(safeguard, check) for check in safeguard.checks if check.kind is kind]
    if not said:
        return "·"
    if any(each and each.noticed for each in said):
        return "**red**"
    return "*green*" if all(said) else "not run"


def _words(safeguard: Safeguard, results: Results) -> list[str]:
    said = {check: results.of(safeguard, check) for check in safeguard.checks}
    return [f"\n### {safeguard.name}\n\n"] + [
        f"- {check.kind}, {check.name} ({each.seconds:.0f} s): {_quoted(each)}\n"
        for check, each in said.items()
        if each
    ]


def _quoted(said: Result) -> str:
    return "`" + said.noticed.replace("`", "'") + "`" if said.noticed else "noticed nothing"
