"""The committed fingerprint of the workflows, what today's code has instead, and what a developer is told of it.

Only what an open settlement would meet counts as broken. What is merely new (a path, a patch, a query, a field that may
be left out) has only to be written down.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path

from tests.fingerprint import shapes
from tests.fingerprint.exploring import BEGINNINGS, play, scripts

FILE = Path(__file__).with_name("fingerprint.json")
SHOWN = 5
UNKNOWN: list[str] = []
"""The patches of code of which not every script was played."""

Orders = dict[str, list[str]]


@dataclass
class Fingerprint:
    """`orders` has the commands of each script as runs begun by released code issue them: no patch is active there.
    `patched` has those that a run begun by this code issues in another order."""

    orders: Orders
    names: dict[str, str] = field(default_factory=dict)
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    patches: list[str] = field(default_factory=list)
    patched: Orders = field(default_factory=dict)


def taken() -> Fingerprint:
    """The fingerprint of today's code."""
    new: Orders = {}
    patches = set[str]()
    for name, driven in scripts(patches=True):
        new[name] = _words(driven)
        patches |= driven.patched
    # without a patch in it, the code does not know who began a run
    orders = {name: _words(driven) for name, driven in scripts(patches=False)} if patches else new
    patched = {name: words for name, words in new.items() if orders.get(name) != words}
    return Fingerprint(orders, shapes.names(), shapes.models(), sorted(patches), patched)


def in_brief() -> Fingerprint:
    """Today's, of the scripts in which all goes well only, whatever patches there are; quickly done."""
    orders = {each.name: _words(play(each, [], patches=False).driven) for each in BEGINNINGS}
    return Fingerprint(orders, shapes.names(), shapes.models(), UNKNOWN)


def written() -> Fingerprint:
    """The committed one."""
    data = json.loads(FILE.read_text())
    return Fingerprint(**(data | {"orders": _unfolded(data["orders"]), "patched": _unfolded(data["patched"])}))


def write(fingerprint: Fingerprint) -> None:
    """Commit to it."""
    data = asdict(fingerprint)
    for name in ("orders", "patched"):
        data[name] = _folded(data[name])
    FILE.write_text(json.dumps(data, indent=1) + "\n")


def parted(was: Orders, now: Orders) -> list[str]:
    """The scripts in which an open settlement would meet another order, each with the first command that differs."""
    found = []
    for name, words in was.items():
        if name in now and now[name] != words:
            same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(words, now[name], strict=False))))
            before, after = (each[same] if same < len(each) else "nothing more" for each in (words, now[name]))
            found.append(
                f"{name}\n    command {same + 1} was  {before}\n    {' ' * len(f'command {same + 1}')} is now  {after}"
            )
    return found


def broken(was: Fingerprint, now: Fingerprint) -> list[str]:
    """What open settlements, or what waits for them, would meet."""
    gone = [
        f"{name} was {told}, now is {now.names.get(name, 'gone')}"
        for name, told in was.names.items()
        if now.names.get(name) != told
    ]
    dropped = [
        f"patch {patch} is gone: settlements begun with it need it"
        for patch in was.patches
        if now.patches is not UNKNOWN and patch not in now.patches
    ]
    return [*parted(was.orders, now.orders), *gone, *shapes.broken(was.models, now.models), *dropped]


def told(wrong: Sequence[str]) -> str:
    """What a developer is told, and is to do."""
    shown = [*wrong[:SHOWN], *([f"... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else [])]
    return "\n".join(
        [
            "",
            "Open settlements could not go on with this code: what they replay would part from their histories.",
            "",
            *(f"  {each}" for each in shown),
            "",
            "Do one of these (docs/replay.md says when which):",
            '  - patch: keep the old way in the code, and take the new one only `if workflow.patched("what-changed")`;',
            "  - new version: leave the workflow as it is for what is open, and start new settlements as another, with",
            "    another name; a message, field or step that others know keeps its old form beside the new one.",
            "Then `make fingerprint` and `make histories`, and commit what they write.",
            "",
            "If no settlement can be open under the old code (never released), `make fingerprint` alone will do.",
        ]
    )


def _words(driven: object) -> list[str]:
    fault = getattr(driven, "fault", "")
    return [*getattr(driven, "words", []), *([f"fails: {fault.splitlines()[0]}"] if fault else [])]


def _folded(orders: Orders) -> dict[str, str]:
    """Each order as its difference from the script's that it is a variation of, so that a change shows once."""
    folded: dict[str, str] = {}
    for name, words in orders.items():
        parent = orders.get(_parent(name), [])
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(parent, words, strict=False))))
        folded[name] = "; ".join([f"{same} alike", *words[same:]])
    return folded


def _unfolded(folded: Mapping[str, str]) -> Orders:
    orders: Orders = {}
    for name, text in folded.items():
        alike, *rest = text.split("; ")
        orders[name] = [*orders.get(_parent(name), [])[: int(alike.split()[0])], *rest]
    return orders


def _parent(name: str) -> str:
    return name.rpartition(" | ")[0]


def lines(was: Fingerprint, now: Fingerprint) -> Iterator[str]:
    """What is new and has only to be written down."""
    yield from (f"a new script: {name}" for name in now.orders if name not in was.orders)
    yield from (f"a script is gone: {name}" for name in was.orders if name not in now.orders)
    yield from (f"a new patch: {patch}" for patch in now.patches if patch not in was.patches)
    yield from (f"new: {name}" for name in now.names if name not in was.names)
    yield from (f"{name} has grown" for name, shape in now.models.items() if was.models.get(name) != shape)
    yield from (
        f"another order behind a patch: {name}" for name, words in now.patched.items() if was.patched.get(name) != words
    )
