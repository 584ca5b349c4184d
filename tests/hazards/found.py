"""Which tests name which hazard, read from the tests' source; and docs/hazards.md, brought to what is there.

Imports no test, runs none. A test names hazards by their numbers: `test_hazard_09_...`, `test_hazard_03_04_...`.
"""

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "hazards.md"
HAZARDS = range(1, 25)
_NAMED = re.compile(r"test_hazard((?:_\d{2})+)_(.+)")
_ROW = re.compile(r"^\| (\d+) \|(.*)\|[^|]*\|$", re.MULTILINE)
_LIST = "## The tests\n"


@dataclass(frozen=True, order=True)
class Found:
    """A test that names a hazard: its file, seen from the root, and the claim that its name makes."""

    file: str
    claim: str


@cache
def named_tests(folder: Path = TESTS) -> dict[int, list[Found]]:
    """Every test function whose name gives a hazard's number, in order of files and claims."""
    found = defaultdict[int, list[Found]](list)
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not (named := _NAMED.match(node.name)):
                continue
            numbers, claim = named.groups()
            for number in numbers.strip("_").split("_"):
                found[int(number)].append(Found(str(file.relative_to(TESTS.parent)), claim.replace("_", " ")))
    return {number: sorted(each) for number, each in sorted(found.items())}


def with_tests(page: str, found: dict[int, list[Found]]) -> str:
    """The page with how many tests name each hazard in its table, and which below it."""
    table = page.split(_LIST, maxsplit=1)[0].rstrip("\n")
    table = _ROW.sub(lambda row: f"| {row[1]} |{row[2]}| {len(found.get(int(row[1]), ()))} |", table)
    lists = [f"\n### {number}\n\n{_listed(each)}\n" for number, each in found.items()]
    return f"{table}\n\n{_LIST}" + "".join(lists)


def rows(page: str) -> dict[int, list[str]]:
    """The table's rows: hazard and answer, by number."""
    return {int(row[1]): [cell.strip() for cell in row[2].split("|")] for row in _ROW.finditer(page)}


def _listed(found: list[Found]) -> str:
    by_file = defaultdict[str, list[str]](list)
    for each in found:
        by_file[each.file].append(each.claim)
    return "\n".join(f"- `{file}`: {'; '.join(claims)}" for file, claims in by_file.items())
