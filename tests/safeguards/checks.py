"""The checks that should notice a missing safeguard: how each is run, and what its red looks like. Runs none."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.ledgers.verify import INVARIANTS

LONGEST_TEXT = 280
_PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "-x", "--tb=short"),
    *("-p", "no:cacheprovider", "-p", "tests.safeguards.plugin"),
)
_FINDING = re.compile(r"^E +(?!where |and |\+|\^|$)(.+)$", re.MULTILINE)
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?(\w+)\.py::(\S+?)(?:\[| - |\s|$)", re.MULTILINE)


_NO_FINDING = re.compile(r"from pytest-timeout|CannotConnectNowError|ConnectionRefusedError")
"""Of tests: no time was left, or the server that they run on was gone."""
_BARE = re.compile(r"^[ |]*(assert .+)\n(?:[ |^~]*\n)?[E |]*AssertionError *$", re.MULTILINE)
_ANSWERED = re.compile(r"^E +(\S.*)\nE +answered: (.+)\nE +admitted as the first: (.+)$", re.MULTILINE)
_WRONG_CELL = re.compile(rf"^(?:\d+/\d+ WRONG|wrong:(?= (?:{'|'.join(INVARIANTS)}): )) (.+)$", re.MULTILINE)
_WRONG_IN_CHAOS = re.compile(r"^E +WRONG (.+)$", re.MULTILINE)


class Kind(StrEnum):
    """What sort of check it is; the order is that of cheapness, and of the table's columns."""

    MODEL = "model"
    MACHINE = "machine"
    TESTS = "tests"
    MATRIX = "matrix"
    CHAOS = "chaos"


@dataclass(frozen=True)
class Check:
    """A command run in the root of a tree. For all but the model, exit code 1 says that something was noticed."""

    kind: Kind
    name: str
    command: tuple[str, ...]
    limit_seconds: float
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def own_rules(self) -> bool:
        """The model does not run the product: its rule is weakened in the model itself, in any tree."""
        return self.kind is Kind.MODEL

    def noticed(self, code: int, output: str) -> str | None:
        """What was noticed, in the check's own words; None if nothing was. Raises ValueError if it did not run."""
        if code == 0:
            return _counterexample(output) if self.own_rules else None
        if self.own_rules and code == 1 and "NOT BROKEN" in output:
            return None
        if not self.own_rules and code == 1 and (found := _finding(self.kind, output)):
            return _short(found)
        raise ValueError(f"exit code {code}: {_last_line(output)}")


def model(*weakenings: str) -> tuple[Check, ...]:
    """The protocol model with that rule weakened: it must print a counterexample."""
    return tuple(
        Check(Kind.MODEL, name, (sys.executable, "-m", "tests.protocol_model", "--weaken", name), 300.0)
        for name in weakenings
    )


def machine() -> tuple[Check, ...]:
    """Random programs on Postgres, compared with an independent model: the same ones every time, as in `make test`."""
    test = "tests/ledgers/machine/test_machine.py"
    command = (*_PYTEST, test, "-k", "on_postgres")
    return (Check(Kind.MACHINE, "its programs on Postgres", command, 1800.0),)


def claims(files: str, words: str) -> tuple[Check, ...]:
    """Tests of some files whose names hold one of the words."""
    return (Check(Kind.TESTS, f"{files} {words}", (*_PYTEST, *files.split(), "-k", words), 600.0),)


def matrix(*cells: str) -> tuple[Check, ...]:
    """Cells of the crash matrix, each as step:fault, one after the other in one room."""
    chosen = [word for cell in cells for word in ("--only", cell)]
    command = (sys.executable, "-m", "tests.matrix", "--lanes", "1", "--rooms", "1", *chosen)
    return (Check(Kind.MATRIX, ", ".join(cells), command, 1800.0),)


def chaos() -> tuple[Check, ...]:
    """The chaos in short, as `make test` has it."""
    return (Check(Kind.CHAOS, "its short form", (*_PYTEST, "tests/chaos/test_chaos.py"), 1800.0),)


def _finding(kind: Kind, output: str) -> str:
    """What a check that failed has found; empty if it failed otherwise."""
    if kind in (Kind.MACHINE, Kind.TESTS) and _NO_FINDING.search(output):
        return ""
    match kind:
        case Kind.MACHINE:
            return _unexplained(output) or _failure(output)
        case Kind.MATRIX:
            return "; ".join(_WRONG_CELL.findall(output))
        case Kind.CHAOS:
            return "; ".join(line.strip() for line in _WRONG_IN_CHAOS.findall(output)) or _failure(output)
        case _:
            return _failure(output)


def _failure(output: str) -> str:
    """The test that failed and the first things that it found."""
    failed = _FAILED.search(output)
    found = _BARE.findall(output)[:1] or [line.strip() for line in _FINDING.findall(output)]
    return f"{failed[2] if failed else 'a test'}: {' '.join(found[:4]) or _last_line(output)}"


def _unexplained(output: str) -> str:
    """Which of the machine's requests was answered otherwise than the model admits; empty if none is shown."""
    requests = _ANSWERED.findall(output)
    for request, answered, admitted in requests:
        code = re.search(r"RefusalCode\.\w+: '(\w+)'", answered)
        said = f"'{code[1]}'" if code else "a receipt" if answered.startswith("Receipt(") else answered
        right = re.sub(r"^Receipt\(.*", "the first receipt", admitted)
        if answered != admitted and said not in right and said not in right.strip("'").replace("new ", ""):
            return f"{request} was answered {said}; the model admits {right}"
    shown = ", ".join(request for request, _, _ in requests)
    return f"no order of these explains what is seen after them: {shown}" if requests else ""


def _counterexample(output: str) -> str:
    broken = [line.strip().removesuffix(", in the shortest way:") for line in output.splitlines() if "breaks " in line]
    return _short("; ".join(broken))


def _last_line(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it said nothing")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 2]} …"
