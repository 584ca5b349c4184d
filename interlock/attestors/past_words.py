"""What attestors have signed, gathered from wherever it still stands, and the misconduct in it.

Believes nobody: where statements contradict each other, their signatures are verified first. Of each statement on some
terms one copy is kept, with who signed it: less than three kilobytes a settlement.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from interlock.protocol import Misconduct, Signature, SignatureInvalid, SignedStatement, Statement, verify
from interlock.protocol.misconduct import contradict

MOST_OF_ONE = 100
"""How much misconduct of one attestor is found: it can make more than anybody can look at."""


class PastWords:
    """Statements with the signatures on them, by the terms that they are of."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._said: dict[str, dict[str, dict[str, str]]] = {}
        self.count = 0
        """How many signatures were heard."""

    def hear(self, statement: Statement, signatures: Iterable[Signature]) -> None:
        """Keep a statement and who claims to have signed it. The first signature of each counts: say certificates,
        which ledgers have verified, before what attestors say of themselves.
        """
        signed = self._said.setdefault(statement.terms_hash, {}).setdefault(statement.model_dump_json(), {})
        for signature in signatures:
            signed.setdefault(signature.signer, signature.bytes)
            self.count += 1

    def misconduct(self) -> Iterator[Misconduct]:
        """What each attestor signed against itself: each statement against the first that it contradicts."""
        found: Counter[str] = Counter()
        for said in self._said.values():
            for misconduct in self._among(said):
                if found[misconduct.attestor] < MOST_OF_ONE:
                    found[misconduct.attestor] += 1
                    yield misconduct

    def _among(self, said: dict[str, dict[str, str]]) -> Iterator[Misconduct]:
        statements = {text: Statement.model_validate_json(text) for text in said} if len(said) > 1 else {}
        if not _disagree(statements.values()):
            return
        kept: dict[str, list[SignedStatement]] = {}
        for text, statement in statements.items():
            for signer, made in said[text].items():
                word = SignedStatement(statement=statement, signature=Signature(signer=signer, bytes=made))
                if not self._is_genuine(word):
                    continue
                words = kept.setdefault(signer, [])
                against = next((each for each in words if contradict(each.statement, statement)), None)
                if against is None:
                    words.append(word)
                else:
                    yield Misconduct.of(self._network, against, word)

    def _is_genuine(self, word: SignedStatement) -> bool:
        try:
            verify(word.statement, self._network, word.signature)
        except SignatureInvalid:
            return False
        return True


def _disagree(statements: Iterable[Statement]) -> bool:
    """Whether any two of these contradict each other, whoever signed them."""
    kept: list[Statement] = []
    for statement in statements:
        if any(contradict(each, statement) for each in kept):
            return True
        if all(each.fact is not statement.fact for each in kept):
            kept.append(statement)
    return False
