"""Judges a journal again, entry by entry, by what stood before each: trusts nothing that the ledger concluded. Pure."""

from collections.abc import Iterable

from interlock.protocol import CertificateInvalid, Misconduct, evidence
from interlock.protocol.evidence import effective
from interlock.protocol.genesis import Genesis
from interlock.protocol.reading import Claim, Counted, Credited, Debited, Reading, Registered
from interlock.protocol.replay import Replay


class Reverifier:
    """Judges readings in order of position. The genesis is believed; everything after it needs evidence."""

    def __init__(self, ledger: str, network: str) -> None:
        self.replay = Replay(ledger, network)
        self._is_born = False

    def objection(self, reading: Reading) -> str:
        """Why the entry's evidence does not carry it; empty if it does, and then its effect counts from now on."""
        found = self._unborn(reading) or self._first_untrue(reading.claims)
        if found:
            return f"entry {reading.position} ({reading.operation}): {found}"
        match reading.effect:
            case None:
                pass
            case Genesis() as genesis:
                self.replay.begin(genesis)
                self._is_born = True
            case Misconduct() as misconduct:
                self.replay.accuse(misconduct, reading.position)
            case order:
                self.replay.carry_out(order, reading.position)
        return ""

    def _unborn(self, reading: Reading) -> str:
        if self._is_born and reading.operation == "genesis":
            return "the ledger had been born before"
        return "" if self._is_born or reading.operation == "genesis" else "the ledger had not been born"

    def _first_untrue(self, claims: Iterable[Claim]) -> str:
        return next((text for claim in claims if (text := self._untrue(claim))), "")

    def _untrue(self, claim: Claim) -> str:
        match claim:
            case str():
                return claim
            case Debited():
                return self._frozen(claim.account) or self._not_owned(claim.account, claim.owner)
            case Credited():
                return self._not_owned(claim.account, claim.owner) or self._not_admitted(claim.account)
            case Counted():
                return self._uncounted(claim)
            case Registered():
                known = any(claim.attestor in each.attestors.keys for each in self.replay.sets.values())
                return "" if known else f"{claim.attestor} was in no attestor set"

    def _uncounted(self, claim: Counted) -> str:
        counting = effective(claim.named, self.replay.sets)
        if counting is None or claim.coordinator != counting.identity:
            return "its certificate is not of the attestor set that counted for the terms"
        try:
            counting.require_quorum(claim.coordinator, claim.signers)
        except CertificateInvalid as error:
            return evidence.not_proven(str(error)).text
        left_out = sorted(self.replay.left_out.intersection(claim.signers))
        if len(claim.signers) - len(left_out) < counting.quorum:
            return f"without {', '.join(left_out)}, left out for misconduct, its certificate had no quorum"
        return ""

    def _frozen(self, name: str) -> str:
        account = self.replay.accounts.get(name)
        return f"account {name} was frozen" if account is not None and account.frozen else ""

    def _not_owned(self, name: str, owner: str) -> str:
        account = self.replay.accounts.get(name)
        return f"account {name} was not owned by {owner}" if account is None or account.owner != owner else ""

    def _not_admitted(self, name: str) -> str:
        account = self.replay.accounts.get(name)
        return "" if account is not None and account.admitted else f"account {name} was not admitted"
