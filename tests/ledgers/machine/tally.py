"""How far a run of random programs has come, and what ledgers have answered. Decides nothing."""

import sys
from collections import Counter
from dataclasses import dataclass, field

from interlock.protocol import Check, Receipt, Refusal
from tests.ledgers.machine import requests as asked
from tests.ledgers.machine.sending import Told

LINES = 20
"""Lines that a run's progress takes where there is no terminal to write one over the other."""


@dataclass
class Tally:
    """Counts programs and answers. `programs` is about how many there are to be: those given up early count as well."""

    programs: int
    begun: int = 0
    answers: "Counter[tuple[str, str]]" = field(default_factory=Counter)

    def program(self) -> None:
        """One more program begins."""
        self.begun += 1
        if sys.stderr.isatty():
            end = "\n" if self.begun == self.programs else "\r"
            print(f"  {self._line}", end=end, file=sys.stderr, flush=True)
        elif self.begun % max(1, self.programs // LINES) == 0:
            print(self._line, file=sys.stderr, flush=True)

    def answer(self, request: asked.Request, told: Told) -> str:
        """One more answer; its word."""
        told = told.refusal if isinstance(told, Check) else told
        word = told.code.value if isinstance(told, Refusal) else "receipt" if isinstance(told, Receipt) else "answer"
        self.answers[type(request).__name__, word] += 1
        return word

    def say(self) -> None:
        """Every answer, and how often it came."""
        for (request, word), times in sorted(self.answers.items()):
            print(f"{times:8,}  {request:12} {word}")

    @property
    def _line(self) -> str:
        answers, kinds = sum(self.answers.values()), len(self.answers)
        programs = f"{self.begun:,} programs of about {self.programs:,}"
        return f"{programs}, {answers:,} answers of {kinds} kinds, none unexplained"
