"""The proposals that a settlement holds until two of them are one: who proposed what, and how they differ.

Pure: the same proposals in the same order give the same match. Signatures were verified before they come here.
"""

from interlock.protocol import SignedTerms, differing_fields
from interlock.protocol.instructions import Difference

PROPOSALS_PER_PARTY = 4
"""With two parties, 8 in all; counted for each, so that neither can crowd out the other."""

WITHDRAWN_KEPT = 16
"""How often proposals may be withdrawn: what was once proposed is asked for at the ledgers before the end."""


def merged(proposals: list[SignedTerms], signed: SignedTerms) -> list[SignedTerms]:
    """The proposals with this one added: its signatures join those on the same terms."""
    if any(known.terms_hash == signed.terms_hash for known in proposals):
        return [
            known.with_signatures(signed.signatures) if known.terms_hash == signed.terms_hash else known
            for known in proposals
        ]
    return [*proposals, signed]


def matched(proposals: list[SignedTerms]) -> SignedTerms | None:
    """The first proposal that both parties have signed."""
    return next((proposal for proposal in proposals if proposal.is_matched), None)


def crowded(proposals: list[SignedTerms], withdrawn: list[SignedTerms], signed: SignedTerms) -> bool:
    """Whether this proposal is one too many for a party that signed it."""
    if any(known.terms_hash == signed.terms_hash for known in proposals):
        return False
    if len(withdrawn) >= WITHDRAWN_KEPT:
        return True
    return any(sum(signer in known.signers for known in proposals) >= PROPOSALS_PER_PARTY for signer in signed.signers)


def differences(proposals: list[SignedTerms], signed: SignedTerms) -> tuple[Difference, ...]:
    """How these terms differ from the other side's latest proposal; empty without one, or when it is the same."""
    others = [proposal for proposal in proposals if proposal.signers - signed.signers]
    if not others or any(proposal.terms_hash == signed.terms_hash for proposal in others):
        return ()
    other = others[-1]
    fields = differing_fields(signed.terms, other.terms)
    return tuple(Difference(field=field, yours=_value(signed, field), theirs=_value(other, field)) for field in fields)


def _value(signed: SignedTerms, path: str) -> str:
    value: object = signed.terms
    for name in path.split("."):
        value = getattr(value, name)
    return str(value)
