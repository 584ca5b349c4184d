"""Real proofs as falsifiers hold them: JSON that they change, and seal again where they have a keeper's key."""

import copy
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from interlock.proof.trust import Trust
from interlock.protocol import LocalSigner
from interlock.protocol.canonical import canonical
from interlock.protocol.eip712 import digest_of
from interlock.protocol.merkle import inclusion_paths, leaf_hash, root_by_path, root_of
from interlock.protocol.seals import NO_SEAL, Seal

Json = Any
REAL = Path(__file__).parent / "real"
SCENARIOS = ("settled", "consented", "ordered", "expired", "redirected", "tombstone")
TRUST = Trust.model_validate_json((REAL / "trust.json").read_text())
FALSIFIER = LocalSigner(hashlib.sha256(b"falsifier").digest())
ESCROW = "escrow:"


@cache
def real(scenario: str) -> bytes:
    """The real proof of a scenario, as `tests.proof.make` exported it."""
    return (REAL / f"{scenario}.proof.json").read_bytes()


@cache
def _keepers() -> dict[str, LocalSigner]:
    keys = json.loads((REAL / "keys.json").read_text())
    return {journal: LocalSigner(key) for journal, key in keys.items()}


class Draft:
    """A proof that somebody changes."""

    def __init__(self, scenario: str) -> None:
        self.proof: Json = json.loads(real(scenario))

    @property
    def network(self) -> str:
        return str(self.proof["network"])

    def entry(self, operation: str) -> Json:
        """The entry of an operation."""
        return next(each for each in self.proof["entries"] if each["record"]["operation"] == operation)

    def foundation(self, operation: str, journal: str = "asset", account: str = "") -> Json:
        """The first foundation of an operation, about an account that begins so."""
        return next(
            each
            for each in self.proof["foundations"]
            if (each["record"]["operation"], each["journal"]) == (operation, journal)
            and str(each["record"]["authority"].get("order", {}).get("account", "")).startswith(account)
        )

    def span(self, name: str) -> Json:
        """The last span of a name: the attempt that had its effect."""
        return [each for each in self.proof["spans"] if each["record"]["name"] == name][-1]

    def seal(self, each: Json, journal: str) -> Json:
        """The seal that a record is under."""
        place = each["place"]
        return next(
            signed
            for signed in self.proof["seals"]
            if (signed["seal"]["journal"], signed["seal"]["number"]) == (journal, place["seal"])
        )

    def root_recomputed(self, each: Json, journal: str) -> None:
        """What anybody can recompute: the changed record's leaf, and the root that its path then leads to."""
        seal, place = self.seal(each, journal)["seal"], each["place"]
        path = [bytes.fromhex(hash_[2:]) for hash_ in place["path"]]
        root = root_by_path(leaf_hash(canonical(each["record"])), place["index"], seal["records"], path)
        seal["root"] = "0x" + root.hex()

    def sealed_again(self, keepers: dict[str, LocalSigner] | None = None) -> None:
        """What keepers can do who have gone bad together: seal what is in the file anew, and drop all witnesses."""
        keepers = keepers or _keepers()
        proof = self.proof
        proof["witnesses"] = []
        proof["spans"].sort(key=lambda each: each["record"]["position"])
        for part in ("foundations", "entries"):
            proof[part].sort(key=lambda each: (each["journal"], each["record"]["position"]))
        own = [(each["journal"], each) for each in (*proof["foundations"], *proof["entries"])]
        own += [("audit", each) for each in proof["spans"]]
        own.sort(key=lambda each: (each[0], each[1]["record"]["position"]))
        seals: list[Json] = []
        for signed in proof["seals"]:
            journal, number = signed["seal"]["journal"], signed["seal"]["number"]
            under = [each for name, each in own if name == journal and each["place"]["seal"] == number]
            if not under:
                continue
            leaves = [leaf_hash(canonical(each["record"])) for each in under]
            for at, path in enumerate(inclusion_paths(leaves, range(len(leaves)))):
                under[at]["place"] = {"seal": number, "index": at, "path": ["0x" + each.hex() for each in path]}
            seal = signed["seal"] | {"root": "0x" + root_of(leaves).hex(), "records": len(leaves)}
            before = seals[-1]["seal"] if seals else None
            if before is not None and (before["journal"], before["number"]) == (journal, number - 1):
                seal["previous"] = _digest(before, self.network)
            elif number > 1 and seal["previous"] == NO_SEAL:
                seal["previous"] = "0x" + "11" * 32
            seals.append({"seal": seal, "signature": _signed(seal, keepers[journal], self.network)})
        proof["seals"] = seals

    def copy(self) -> "Draft":
        """Another one like it."""
        made = copy.copy(self)
        made.proof = copy.deepcopy(self.proof)
        return made

    @property
    def data(self) -> bytes:
        """The file."""
        return canonical(self.proof) + b"\n"


def _digest(seal: Json, network: str) -> str:
    return digest_of(Seal.model_validate_json(json.dumps(seal)), network)


def _signed(seal: Json, keeper: LocalSigner, network: str) -> Json:
    return keeper.sign(Seal.model_validate_json(json.dumps(seal)), network).model_dump(mode="json")
