"""Ways to falsify a proof, by name; each says which claim finds it, and with which words."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.proof.drafts import Draft, Json

Change = Callable[[Draft], bytes | None]


@dataclass(frozen=True)
class Way:
    """One way to falsify: what is changed in whose proof, which claim finds it, and with which words."""

    name: str
    scenario: str
    change: Change
    claim: str
    reason: str

    @property
    def data(self) -> bytes:
        """The falsified file."""
        draft = Draft(self.scenario)
        return self.change(draft) or draft.data


WAYS: list[Way] = []


def way(scenario: str, claim: str, reason: str) -> Callable[[Change], Change]:
    """Make a change of a draft, or of its bytes, one of the ways; its name is the function's."""

    def keep(change: Change) -> Change:
        WAYS.append(Way(change.__name__, scenario, change, claim, reason))
        return change

    return keep


def number_of(signed: Json) -> tuple[str, int]:
    """A seal's journal and number."""
    return signed["seal"]["journal"], signed["seal"]["number"]


def leave_out(draft: Draft, member: str, each: Json) -> None:
    """Leave out a record, and whatever else would give that away."""
    draft.proof[member].remove(each)
    without_idle_seals(draft)


def take_seals(draft: Draft, other: Json) -> None:
    """Have another proof's seals too, as far as they are needed."""
    have = {number_of(each) for each in draft.proof["seals"]}
    draft.proof["seals"] += [each for each in other["seals"] if number_of(each) not in have]
    draft.proof["seals"].sort(key=number_of)
    without_idle_seals(draft)


def without_idle_seals(draft: Draft) -> None:
    """Leave out seals that nothing is under any more, and who witnessed them."""
    proof = draft.proof
    while True:
        records = (*proof["foundations"], *proof["entries"], *proof["witnesses"])
        placed = [(each["journal"], each["place"]) for each in records]
        placed += [("audit", each["place"]) for each in proof["spans"]]
        used = {(journal, place["seal"]) for journal, place in placed if place is not None}
        seals = [each for each in proof["seals"] if number_of(each) in used]
        kept = [each for each in proof["witnesses"] if (each["record"]["journal"], each["record"]["number"]) in used]
        if (len(seals), len(kept)) == (len(proof["seals"]), len(proof["witnesses"])):
            return
        proof["seals"], proof["witnesses"] = seals, kept
