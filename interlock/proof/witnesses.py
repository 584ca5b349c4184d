"""Whether a proof's seals stand in other journals too, so that no one keeper can put others in their place. Pure."""

import json

from interlock.proof.format import Proof
from interlock.proof.report import Untrue
from interlock.proof.seals import Number, by_number, named, own_leaves
from interlock.protocol import Signature
from interlock.protocol.seals import Seal, SignedSeal


def witnesses(proof: Proof) -> str:
    """Which seals no other journal shows yet; Untrue if a journal witnesses itself, or another seal than is here."""
    found = by_number(proof)
    seen: set[Number] = set()
    for each in proof.witnesses:
        record = each.record
        number = (record.journal, record.number)
        if record.journal == each.journal:
            raise Untrue(f"journal {each.journal} is its own witness")
        if number not in found:
            raise Untrue(f"a witness tells of {named(number)}, which is not in the file")
        if (
            record.digest != found[number].digest(proof.network)
            or _witnessed(record.seal, record.signature) != found[number]
        ):
            raise Untrue(f"journal {each.journal} is witness of another {named(number)} than is in the file")
        if proof.keepers[each.journal] != proof.keepers[record.journal]:
            seen.add(number)
    open_ = sorted({(leaf[0], leaf[3].seal) for leaf in own_leaves(proof) if leaf[3] is not None} - seen)
    return f"no other journal shows yet: {', '.join(named(each) for each in open_[:5])}" if open_ else ""


def _witnessed(seal: object, signature: object) -> SignedSeal | None:
    """A seal as another journal kept it; None for what is none."""
    try:
        return SignedSeal(
            seal=Seal.model_validate_json(json.dumps(seal)),
            signature=Signature.model_validate_json(json.dumps(signature)),
        )
    except ValueError:
        return None
