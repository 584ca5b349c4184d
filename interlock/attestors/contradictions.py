"""What the coordinator remembers of attestors' signatures, and the misconduct that it finds among them.

It keeps as much as it may and forgets the oldest: what it misses, `interlock audit attestors` still finds in the votes
and in the journals. It judges no quorum, and leaves nobody out.
"""

from collections import OrderedDict

from interlock.protocol import Misconduct, SignedStatement
from interlock.protocol.misconduct import contradict

MOST_REMEMBERED = 20_000
"""So many attestors' words on so many terms, about a kilobyte each: more than settle within minutes."""

MOST_SETTLED = 1_000
"""How many misconducts that ledgers have judged are known, so as not to be told to them again."""


class Contradictions:
    """The words of one network's attestors, and what of them is still to be told to the ledgers."""

    def __init__(self, network: str, *, most_remembered: int = MOST_REMEMBERED) -> None:
        self._network = network
        self._most_remembered = most_remembered
        self._words: OrderedDict[tuple[str, str], list[SignedStatement]] = OrderedDict()
        self._found: dict[str, Misconduct] = {}
        self._settled: OrderedDict[str, None] = OrderedDict()

    def hear(self, signed: SignedStatement) -> None:
        """Compare one word, whose signature was verified, with what the same attestor has said of the same terms."""
        attestor = signed.signature.signer
        key = (attestor, signed.statement.terms_hash)
        words = self._words.setdefault(key, [])
        self._words.move_to_end(key)
        against = next((word for word in words if contradict(word.statement, signed.statement)), None)
        if against is not None:
            self._find(Misconduct.of(self._network, against, signed))
        elif all(word.statement.fact is not signed.statement.fact for word in words):
            words.append(signed)
        if len(self._words) > self._most_remembered:
            self._words.popitem(last=False)

    def untold(self, left_out: frozenset[str]) -> tuple[Misconduct, ...]:
        """What has been found of attestors that are not left out yet: one of each is enough."""
        for attestor in left_out.intersection(self._found):
            self._settled[self._found.pop(attestor).digest] = None
        while len(self._settled) > MOST_SETTLED:
            self._settled.popitem(last=False)
        return tuple(self._found[attestor] for attestor in sorted(self._found))

    def _find(self, misconduct: Misconduct) -> None:
        if misconduct.digest not in self._settled:
            self._found.setdefault(misconduct.attestor, misconduct)
