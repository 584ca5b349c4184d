"""The client's own errors: all that its calls raise. Refuses to let Temporal's or gRPC's through.

Every error has a stable `code` for programs, a `message` for people, and the `field` it is about (or "").

    InterlockError
    ├── InvalidInstruction          what was passed cannot be sent: wrong signer, bad signature, settle_by passed
    ├── InstructionRefused          the settlement said no; `code` says why
    │   ├── SettlementIdUsed        the settlement id stands for other terms
    │   └── AlreadyEnded            the settlement has ended, otherwise than asked
    ├── UnknownSettlement           nothing is known by that id or terms hash
    ├── NotUnderstood               client and service are of different versions; `older` says which is the older one
    ├── AmbiguousSettlement         an id stands for several settlements; `candidates` lists them
    └── ServiceFault                something is broken or missing; asking again later may help
        ├── NotConfigured           no address, network or coordinator is known to this client
        ├── NotReached              no server answers at the address
        ├── NoWorker                the server answers, but no worker does
        └── Interrupted             the settlement's run was ended from outside; the next one can answer
"""

from dataclasses import dataclass
from typing import Literal


class InterlockError(Exception):
    """Anything that this client raises."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str = "") -> None:
        """Take a sentence for people, a stable code for programs, and the field it is about."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field


class InvalidInstruction(InterlockError):  # noqa: N818 - these are named as what they say
    """What was passed cannot be sent; nothing was."""

    code = "invalid_instruction"


class InstructionRefused(InterlockError):  # noqa: N818 - likewise
    """The settlement refused what was said; nothing was recorded."""

    code = "refused"


class SettlementIdUsed(InstructionRefused):
    """The settlement id stands for other terms of the same parties, open or long ended."""

    code = "id_used"


class AlreadyEnded(InstructionRefused):
    """The settlement has ended, otherwise than this call asked for."""

    code = "already_ended"


class UnknownSettlement(InterlockError):  # noqa: N818 - likewise
    """Nothing is known by that settlement id or terms hash."""

    code = "unknown_settlement"


class NotUnderstood(InterlockError):  # noqa: N818 - likewise
    """One side said something that the other, older one does not know. Nothing was recorded, or nothing is lost."""

    code = "not_understood"

    def __init__(self, older: Literal["client", "service"], what: str, field: str = "") -> None:
        """Take which side is older, and what it does not know."""
        cure = {
            "client": "this client is older than the service; upgrade it",
            "service": "the service is older than this client; upgrade its workers, or use a client of their version",
        }
        super().__init__(f"{what}: {cure[older]}", code=f"{older}_older", field=field)
        self.older = older


@dataclass(frozen=True)
class Candidate:
    """One of the settlements that an id stands for."""

    settlement_id: str
    terms_hashes: tuple[str, ...]
    parties: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' or '.join(self.terms_hashes) or self.settlement_id} between {' and '.join(self.parties)}"


class AmbiguousSettlement(InterlockError):  # noqa: N818 - likewise
    """An id stands for several settlements; say which by its terms hash. Nothing was done."""

    code = "ambiguous"

    def __init__(self, name: str, candidates: tuple[Candidate, ...]) -> None:
        """Take the id, and what it stands for; the message lists that."""
        listed = "; ".join(str(candidate) for candidate in candidates)
        super().__init__(
            f"{name} stands for {len(candidates)} settlements, say which by its terms hash: {listed}", field="id"
        )
        self.candidates = candidates


class ServiceFault(InterlockError):  # noqa: N818 - likewise
    """Something is broken or missing on the way; it is not known whether the call had an effect. Repeat it."""

    code = "fault"


class NotConfigured(ServiceFault):
    """No address, network or coordinator is known to this client."""

    code = "not_configured"


class NotReached(ServiceFault):
    """No server answers."""

    code = "unreachable"


class NoWorker(ServiceFault):
    """The server answers, but no worker does: start one."""

    code = "no_worker"


class Interrupted(ServiceFault):
    """The settlement's run was ended from outside: the next one can answer, once somebody starts it."""

    code = "interrupted"
