"""Breadth-first search of a finite model: every state, every property, the shortest counterexample.

It knows nothing of settlements, and never samples: what it says of a property holds for all states.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

StateT = TypeVar("StateT")

RECOVERABILITY = "recoverability"

MOST_STATES = 100_000
"""Several times the largest world: a model that goes on beyond it repeats some effect without end."""


class Action(NamedTuple):
    """One step that somebody takes: a verb of the model, about which terms, and what the verb needs to be told."""

    verb: str
    about: int = 0
    detail: str = ""
    honest: bool = True
    """Whether the honest can bring it about without anybody's leave: only such steps count towards an end."""


class Model(Protocol[StateT]):
    """What can be searched. States are hashable values, and equal ones are one state."""

    @property
    def initial(self) -> StateT:
        """Where everything begins."""
        ...

    @property
    def properties(self) -> Sequence[str]:
        """The names of all that must hold."""
        ...

    def broken_in(self, state: StateT) -> Collection[str]:
        """Which properties do not hold in a state."""
        ...

    def broken_by(self, before: StateT, action: Action, after: StateT) -> Collection[str]:
        """Which properties a step itself breaks."""
        ...

    def steps(self, state: StateT) -> Iterable[tuple[Action, StateT]]:
        """Everything that can happen next, in an order that never changes."""
        ...

    def is_end(self, state: StateT) -> bool:
        """Whether everything is settled here."""
        ...

    def told(self, before: StateT, action: Action, after: StateT) -> str:
        """A step in the design's words."""
        ...

    def shown(self, state: StateT) -> str:
        """What stands in a state, on one line."""
        ...


@dataclass
class Exploration(Generic[StateT]):
    """What a search has found. `violations` maps a property to the step, or state, that first broke it.

    `taken` holds the verb and detail of every step that was taken at all.
    """

    model: Model[StateT]
    states: list[StateT] = field(default_factory=list)
    numbers: dict[StateT, int] = field(default_factory=dict)
    came_by: list[tuple[int, Action] | None] = field(default_factory=list)
    steps: int = 0
    ends: int = 0
    taken: set[tuple[str, str]] = field(default_factory=set)
    violations: dict[str, tuple[int, tuple[Action, StateT] | None]] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Steps from the beginning to the farthest state, by the shortest way."""
        return sum(1 for _ in self.way_to(len(self.states) - 1))

    def counterexample(self, broken: str) -> list[str]:
        """The shortest way to where a property breaks, a step a line, and what stands there. Raises KeyError."""
        number, last_step = self.violations[broken]
        lines = [self.model.told(*step) for step in self.way_to(number)]
        state = self.states[number]
        if last_step is not None:
            lines.append(self.model.told(state, *last_step))
            state = last_step[1]
        numbered = [f"{count:3}. {line}" for count, line in enumerate(lines, 1)]
        ending = "     from here no honest schedule reaches an end: " if broken == RECOVERABILITY else "     now: "
        return [*numbered, ending + self.model.shown(state)]

    def note(self, broken: Collection[str], number: int, step: tuple[Action, StateT] | None) -> None:
        """Remember where a property broke first, which is nearest to the beginning."""
        for name in broken:
            self.violations.setdefault(name, (number, step))

    def visit(self, state: StateT, came_by: tuple[int, Action] | None) -> int:
        """The number of a state, which gets one, and waits for its turn, when it is seen for the first time."""
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.came_by.append(came_by)
        return number

    def way_to(self, number: int) -> Iterator[tuple[StateT, Action, StateT]]:
        """The shortest way to a state, from the beginning on."""
        way: list[tuple[StateT, Action, StateT]] = []
        while (came_by := self.came_by[number]) is not None:
            before, action = came_by
            way.append((self.states[before], action, self.states[number]))
            number = before
        return reversed(way)


def explore(model: Model[StateT], until: Collection[str] = ()) -> Exploration[StateT]:
    """Visit every state that can be reached; with `until`, stop once all of those properties are broken.

    Raises OverflowError for a model with more than `MOST_STATES`, and says what was broken so far.
    """
    found = Exploration(model)
    found.visit(model.initial, None)
    honest_ways: dict[int, list[int]] = {}
    ends: list[int] = []
    for number, state in enumerate(found.states):  # the list grows while it is walked: that is the queue
        found.note(model.broken_in(state), number, None)
        if model.is_end(state):
            ends.append(number)
        for action, after in model.steps(state):
            found.steps += 1
            found.taken.add((action.verb, action.detail))
            found.note(model.broken_by(state, action, after), number, (action, after))
            following = found.visit(after, (number, action))
            if action.honest:
                honest_ways.setdefault(following, []).append(number)
        if until and found.violations.keys() >= set(until):
            return found
        if len(found.states) > MOST_STATES:
            raise OverflowError(f"more than {MOST_STATES:,} states; broken so far: {sorted(found.violations)}")
    found.ends = len(ends)
    if (stuck := _first_unreached(len(found.states), honest_ways, ends)) is not None:
        found.note([RECOVERABILITY], stuck, None)
    return found


def _first_unreached(states: int, honest_ways: Mapping[int, Sequence[int]], ends: Sequence[int]) -> int | None:
    """The first state, in order of distance from the beginning, that no honest way leads on from to an end."""
    reaches = bytearray(states)
    waiting = list(ends)
    for number in ends:
        reaches[number] = 1
    while waiting:
        for before in honest_ways.get(waiting.pop(), ()):
            if not reaches[before]:
                reaches[before] = 1
                waiting.append(before)
    stuck = reaches.find(0)
    return None if stuck < 0 else stuck
