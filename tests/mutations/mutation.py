"""A change of the kind people make to the workflows, and whether it breaks open settlements."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.safeguards.removal import DoesNotApply, Replacement


@dataclass(frozen=True)
class Mutation:
    """`what` was changed; `why` it breaks what is open, or does not."""

    what: str
    breaks: bool
    why: str
    replacements: tuple[Replacement, ...]

    def apply(self, root: Path) -> None:
        """Change the tree under that root. Raises DoesNotApply, naming the mutation."""
        for each in self.replacements:
            try:
                each.apply(root)
            except DoesNotApply as error:
                raise DoesNotApply(f"{self.what}: {error}") from None


def key(mutation: Mutation) -> str:
    """Changes with what is changed."""
    return f"{mutation.what} {hashlib.sha256(repr(mutation.replacements).encode()).hexdigest()[:16]}"


def workflows(file: str, old: str, new: str) -> Replacement:
    """In a file of the workflows' room."""
    return Replacement(f"interlock/workflows/{file}.py", old, new)


def protocol(file: str, old: str, new: str) -> Replacement:
    """In a file of the protocol's room."""
    return Replacement(f"interlock/protocol/{file}.py", old, new)


def breaks(what: str, why: str, *replacements: Replacement) -> Mutation:
    """A change that open settlements do not survive."""
    return Mutation(what, True, why, replacements)


def harmless(what: str, why: str, *replacements: Replacement) -> Mutation:
    """A change that open settlements do not notice."""
    return Mutation(what, False, why, replacements)
