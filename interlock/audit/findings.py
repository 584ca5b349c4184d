"""What `audit verify` found wrong, each said once and named: the journal, the record or seal, and what of it. Pure."""

from enum import StrEnum

from interlock.protocol import Message

MOST_FINDINGS = 100
"""Of one journal or one ledger's tables: whoever emptied a table need not be told of each row."""


class Kind(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    """A record is another than was sealed."""
    MISSING = "missing"
    """A sealed record is not there."""
    INSERTED = "inserted"
    """A record stands among sealed ones that was not sealed."""
    REORDERED = "reordered"
    """A record stands where another was sealed."""
    UNREADABLE = "unreadable"
    """Something cannot be understood at all."""
    SEAL = "seal"
    """A seal is not as its keeper made it."""
    CUT_OFF = "cut_off"
    """A seal stands elsewhere, and not in its own journal."""
    TWO_TRUTHS = "two_truths"
    """Two seals of one number, both signed by the keeper: proof that it lies, or that its key is stolen."""
    WITNESS = "witness"
    """A seal kept for another journal is missing there, or is none."""
    TABLE = "table"
    """A row is not what the journal makes it."""


class Finding(Message):
    """One thing that is wrong, in words, and where: what does not apply is left empty."""

    kind: Kind
    text: str
    position: int | None = None
    """Of the record in its journal; of a witnessed seal its id."""
    seal: int | None = None
    """The number of the seal that is wrong, or that covers the record."""
    table: str = ""
    settlement_id: str = ""
    operation: str = ""
    reference: str = ""
    """An entry's reference, a span's trace and span id, or a row's key."""


class Findings:
    """Findings as they are made; no more are kept than people can read."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self.count = 0

    def add(self, finding: Finding) -> None:
        """One more."""
        self.count += 1
        if len(self.all) < MOST_FINDINGS:
            self.all.append(finding)

    @property
    def is_full(self) -> bool:
        """Whether what is found from now on is only counted."""
        return len(self.all) >= MOST_FINDINGS
