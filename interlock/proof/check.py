"""Checks a proof offline: what it proves, what it does not, and what in it is untrue. Pure.

Needs no server and no network. Claims are looked at in the order of docs/proof-format.md; the first that is untrue
rejects the file.
"""

from collections.abc import Callable

from interlock.proof.authority import authority, terms
from interlock.proof.course import course, outcome
from interlock.proof.format import NotAProof, Proof, read
from interlock.proof.movements import movements
from interlock.proof.report import Claim, Report, State, Untrue, Verdict
from interlock.proof.seals import inclusion, seals
from interlock.proof.trail import attempts, trail
from interlock.proof.trust import Trust, keys
from interlock.proof.witnesses import witnesses

NOT_LOOKED_AT = "it was not looked at: the file is rejected"
_WHOLE = (
    "no file can show what is not in it: that these are all entries, orders and spans, and that every journal goes on "
    "from these seals, `interlock audit verify` says"
)

Judge = Callable[[Proof, Trust | None], str]
"""Why a claim is not proven, empty if it is; raises Untrue."""

FORM = "the file is a proof of version 1, in its canonical bytes"
CLAIMS: tuple[tuple[str, str, bool, Judge], ...] = (
    ("keys", "the network and the keepers are those that you know", True, keys),
    ("seals", "every seal is its journal's keeper's, and they form a chain", True, lambda proof, _: seals(proof)),
    ("inclusion", "every record is under a seal, at its place", True, lambda proof, _: inclusion(proof)),
    ("terms", "both parties signed the terms, and every entry is of them", True, lambda proof, _: terms(proof)),
    ("authority", "each entry's evidence carries it: signatures, certificates, orders", True, authority),
    ("course", "the entries follow one another as the protocol has it", True, lambda proof, _: course(proof)),
    ("movements", "the entries moved exactly what the terms say", True, lambda proof, _: movements(proof)),
    ("outcome", "the outcome is what the entries make it", True, lambda proof, _: outcome(proof)),
    ("trail", "the spans are one whole trace, and agree with the entries", True, lambda proof, _: trail(proof)),
    ("attempts", "the attempt that made each entry is among the spans", True, lambda proof, _: attempts(proof)),
    ("witnesses", "every seal stands in another keeper's journal too", False, lambda proof, _: witnesses(proof)),
    ("whole", "nothing is left out", False, lambda _, __: _WHOLE),
)
"""Each claim's name, what it says, whether a proof needs it, and who judges it."""


def check(data: bytes, trust: Trust | None) -> Report:
    """What the bytes of a file prove to somebody who knows these keys, or none."""
    try:
        proof = read(data)
    except NotAProof as error:
        return Report(
            verdict=Verdict.REJECTED, claims=(_claim("form", FORM, True, State.UNTRUE, str(error)), *_left(0))
        )
    claims = [_claim("form", FORM, True, State.PROVEN)]
    for at, (name, text, essential, judge) in enumerate(CLAIMS):
        try:
            why = judge(proof, trust)
        except Untrue as error:
            claims += [_claim(name, text, essential, State.UNTRUE, str(error)), *_left(at + 1)]
            return _report(proof, Verdict.REJECTED, claims)
        claims.append(_claim(name, text, essential, State.NOT_PROVEN if why else State.PROVEN, why))
    missing = any(each.essential and each.state is not State.PROVEN for each in claims)
    return _report(proof, Verdict.INCOMPLETE if missing else Verdict.PROVEN, claims)


def _report(proof: Proof, verdict: Verdict, claims: list[Claim]) -> Report:
    return Report(
        verdict=verdict,
        settlement_id=proof.terms.terms.settlement_id,
        terms_hash=proof.terms_hash,
        outcome=proof.outcome,
        claims=tuple(claims),
    )


def _claim(name: str, text: str, essential: bool, state: State, why: str = "") -> Claim:
    return Claim(name=name, text=text, essential=essential, state=state, why=why)


def _left(at: int) -> list[Claim]:
    """The claims that nobody looked at any more."""
    return [_claim(name, text, essential, State.NOT_PROVEN, NOT_LOOKED_AT) for name, text, essential, _ in CLAIMS[at:]]
