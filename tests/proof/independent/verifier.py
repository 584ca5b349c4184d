"""A verifier of proofs written from docs/proof-format.md and proof.schema.json alone. Shares no code with Interlock."""

import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import rfc8785
from jsonschema import Draft202012Validator

from tests.proof.independent.books import FOUNDING, Books
from tests.proof.independent.signing import (
    TIME,
    Json,
    Rejected,
    digest,
    is_address,
    need,
    require_quorum_of,
    require_signed,
)

SCHEMA = Draft202012Validator(json.loads(Path("docs/proof.schema.json").read_text()))
ADDRESSES = {"signer", "seller", "buyer"}


class Verifier:
    """One file, claim by claim: `verdict` is proven, incomplete or rejected, `claim` the one that was untrue."""

    def __init__(self, data: bytes, trust: Json) -> None:
        self.data, self.trust = data, trust
        self.proof: Json = {}
        self.verdict, self.claim, self.reason = "proven", "", ""
        for name in (
            "form", "keys", "seals", "inclusion", "terms", "authority", "course", "movements", "outcome", "trail",
            "attempts", "witnesses",
        ):  # fmt: skip
            try:
                missing = getattr(self, f"_{name}")()
            except Rejected as error:
                self.verdict, self.claim, self.reason = "rejected", name, str(error)
                return
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self.verdict, self.claim, self.reason = "rejected", name, f"{type(error).__name__}: {error}"
                return
            if missing and name != "witnesses" and self.verdict == "proven":
                self.verdict, self.claim, self.reason = "incomplete", name, missing

    def _form(self) -> str:
        try:
            self.proof = json.loads(self.data.decode())
            canonical = rfc8785.dumps(self.proof) + b"\n"
        except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
            raise Rejected(f"it is no JSON that has canonical bytes: {error}") from error
        need(canonical == self.data, "its bytes are not canonical")
        need(b"." not in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", self.data), "it holds a number that is no integer")
        wrong = next(iter(SCHEMA.iter_errors(self.proof)), None)
        need(wrong is None, f"the schema: {wrong.message[:200] if wrong else ''}")
        for name in ("network", "keepers", "terms_hash", "terms", "seals"):
            self._normal(self.proof[name], name)
        for name in ("foundations", "entries", "spans", "witnesses"):
            for each in self.proof[name]:
                self._normal(each["place"], name)
        return ""

    def _normal(self, value: Json, name: str) -> None:
        """Hex is lower case, addresses have their checksum, times their one form."""
        if isinstance(value, dict):
            for inner, each in value.items():
                self._normal(each, "signer" if name == "keepers" else inner)
        elif isinstance(value, list):
            for each in value:
                self._normal(each, name)
        elif isinstance(value, str) and name in ADDRESSES:
            need(is_address(value), f"{value} is no address with its checksum")
        elif isinstance(value, str) and value.startswith("0x"):
            need(value == value.lower(), f"{value} is not in lower case")
        elif isinstance(value, str) and name in ("at", "settle_by", "not_before"):
            need(bool(TIME.fullmatch(value)) and not value.endswith(".000000Z"), f"{value} is not in its one form")
        elif isinstance(value, str) and name == "quantity":
            need(str(int(value)) == value, f"{value} is not in its one form")

    def _keys(self) -> str:
        proof = self.proof
        self.delivery, self.payment = (proof["terms"]["terms"][leg]["ledger"] for leg in ("delivery", "payment"))
        need(proof["keepers"].keys() == {self.delivery, self.payment, "audit"}, "other journals have keepers")
        need(proof["terms"]["network"] == proof["network"], "the terms are of another network")
        if self.trust is None:
            return "nothing is known beforehand"
        need(proof["network"] == self.trust["network"], "it is of another network")
        for journal, keeper in proof["keepers"].items():
            need(self.trust["keepers"].get(journal) == keeper, f"{journal} has another keeper")
        return ""

    def _seals(self) -> str:
        network, seals = self.proof["network"], [each["seal"] for each in self.proof["seals"]]
        _ascending([(each["journal"], each["number"]) for each in seals])
        for signed in self.proof["seals"]:
            seal = signed["seal"]
            keeper = self.proof["keepers"].get(seal["journal"])
            need(keeper == signed["signature"]["signer"], "a seal is not its keeper's")
            require_signed("Seal", seal, signed["signature"], network)
            need((seal["number"] == 1) == (seal["previous"] == "0x" + 64 * "0"), "a chain begins elsewhere")
        for before, after in pairwise(seals):
            if before["journal"] == after["journal"]:
                need(before["through"] < after["through"], "a seal goes back")
                need(before["witnessed"] <= after["witnessed"], "a seal goes back")
                if after["number"] == before["number"] + 1:
                    need(after["previous"] == "0x" + digest("Seal", before, network).hex(), "the chain is broken")
        return ""

    def _inclusion(self) -> str:
        proof = self.proof
        self.seals = {(each["seal"]["journal"], each["seal"]["number"]): each for each in proof["seals"]}
        own = [(each["journal"], each["record"]["position"], each) for each in proof["foundations"] + proof["entries"]]
        own += [("audit", each["record"]["position"], each) for each in proof["spans"]]
        kept = [(each["journal"], each["record"]["id"], each) for each in proof["witnesses"]]
        for part in ("foundations", "entries"):
            _ascending([(each["journal"], each["record"]["position"]) for each in proof[part]])
        _ascending([each["record"]["position"] for each in proof["spans"]])
        _ascending([each[:2] for each in kept])
        own.sort(key=lambda each: each[:2])
        _ascending([each[:2] for each in own])
        last: dict[tuple[str, int], int] = {}
        for leaves, reach in ((own, "through"), (kept, "witnessed")):
            for journal, number, each in leaves:
                place = each["place"]
                if place is None:
                    continue
                block = (journal, place["seal"])
                need(block in self.seals, "a place names a seal that is not there")
                seal = self.seals[block]["seal"]
                before = self.seals.get((journal, place["seal"] - 1))
                least = before["seal"][reach] if before else 0
                need(least < number <= seal[reach], "a record is not among a seal's")
                need(place["index"] > last.get(block, -1), "records stand in another order")
                last[block] = place["index"]
                found = _root(rfc8785.dumps(each["record"]), place["index"], seal["records"], place["path"])
                need("0x" + found.hex() == seal["root"], "a path leads elsewhere")
        need(last.keys() == self.seals.keys(), "a seal covers nothing")
        return "some is not sealed" if any(each["place"] is None for *_, each in own) else ""

    def _terms(self) -> str:
        proof = self.proof
        signed = proof["terms"]
        terms = signed["terms"]
        need("0x" + digest("Terms", terms, proof["network"]).hex() == proof["terms_hash"], "another hash")
        parties = {terms["seller"], terms["buyer"]}
        need(len(parties) == 2 and self.delivery != self.payment, "there are no two sides")
        need(
            all(terms[leg]["deliverer"] != terms[leg]["receiver"] for leg in ("delivery", "payment")), "no two accounts"
        )
        require_quorum_of("Terms", terms, signed["signatures"], parties, 2, proof["network"])
        held = {}
        for each in proof["entries"]:
            record = each["record"]
            need(record["terms_hash"] == proof["terms_hash"], "an entry is of other terms")
            if record["operation"] != "resume":
                need(record["settlement_id"] == terms["settlement_id"], "an entry is of another settlement")
            if record["operation"] in ("lock", "pay", "void"):
                held[record["operation"]] = record["authority"]["signed"]
        for own in held.values():
            need((own["terms"], own["network"]) == (terms, signed["network"]), "an entry holds other terms")
        first = held.get("lock", held.get("pay", held.get("void")))
        need(first is None or first == signed, "the terms are signed otherwise")
        return "" if first else "no entry holds the terms"

    def _authority(self) -> str:
        proof = self.proof
        for each in proof["foundations"] + proof["entries"]:
            need(each["journal"] in (self.delivery, self.payment), "an entry is of no ledger of the terms")
        need(all(each["record"]["operation"] in FOUNDING for each in proof["foundations"]), "it is no foundation")
        need(all(each["record"]["operation"] not in FOUNDING for each in proof["entries"]), "it is a foundation")
        for leg in ("delivery", "payment"):
            ledger = proof["terms"]["terms"][leg]["ledger"]
            known = (self.trust or {}).get("operators", {}).get(ledger)
            books = Books(ledger, proof, known)
            entries = [each for each in proof["foundations"] + proof["entries"] if each["journal"] == ledger]
            entries.sort(key=lambda each: each["record"]["position"])
            need(len(entries) > 0, f"{ledger} has no genesis")
            books.born(entries[0])
            for each in entries[1:]:
                books.enter(each["record"])
            need(proof["terms"]["terms"][leg]["asset"] in books.assets, "the ledger keeps no such asset")
        return ""

    def _course(self) -> str:
        self.found: dict[str, Any] = {}
        for each in self.proof["entries"]:
            operation = each["record"]["operation"]
            here = ("lock", "release", "refund") if each["journal"] == self.delivery else ("pay", "void")
            need(operation in (*here, "resume"), "an operation is of the other ledger")
            need(operation not in self.found, "an operation stands twice")
            if operation != "resume":
                self.found[operation] = each["record"]
        need(not {"pay", "void"} <= self.found.keys(), "it is paid and voided")
        need(not {"release", "refund"} <= self.found.keys(), "it is released and refunded")
        for operation, cause in (("pay", "lock"), ("release", "pay"), ("refund", "void")):
            if operation in self.found:
                need(cause in self.found, f"there is no {cause} for its {operation}")
                statement = self.found[operation]["authority"]["certificate"]["statement"]
                for member in ("reference", "position"):
                    need(statement[member] == self.found[cause][member], "a certificate names another entry")
        for ending in ("release", "refund"):
            if {ending, "lock"} <= self.found.keys():
                need(self.found["lock"]["position"] < self.found[ending]["position"], "it ended before its lock")
        return ""

    def _movements(self) -> str:
        terms = self.proof["terms"]["terms"]
        delivery, payment = terms["delivery"], terms["payment"]
        escrow, quantity = f"escrow:{self.proof['terms_hash']}", int(delivery["quantity"])
        for each in self.proof["foundations"]:
            need(each["record"]["postings"] == [], "a foundation moved something")
        for each in self.proof["entries"]:
            record = each["record"]
            asset, moved = delivery["asset"]["code"], ("", "", 0)
            match record["operation"]:
                case "lock":
                    moved = (delivery["deliverer"], escrow, quantity)
                case "release":
                    word = record["authority"].get("redirection")
                    receiver = word["redirection"]["receiver"] if word else delivery["receiver"]
                    moved = (escrow, receiver, quantity)
                case "refund" if "lock" in self.found:
                    moved = (escrow, delivery["deliverer"], quantity)
                case "pay":
                    asset = payment["asset"]["code"]
                    moved = (payment["deliverer"], payment["receiver"], int(payment["quantity"]))
            expected = [(moved[0], asset, -moved[2]), (moved[1], asset, moved[2])] if moved[2] else []
            posted = [(p["account"], p["asset"], int(p["quantity"])) for p in record["postings"]]
            need(sorted(posted) == sorted(expected), "something else was moved")
            for posting in record["postings"]:
                need(int(posting["balance"]) >= 0, "a balance is below 0")
                if posting["account"] == escrow:
                    left = quantity if record["operation"] == "lock" else 0
                    need(int(posting["balance"]) == left, "the escrow holds something else")
        return ""

    def _outcome(self) -> str:
        found = None
        if {"pay", "release"} <= self.found.keys():
            found = "SETTLED"
        elif {"void", "refund"} <= self.found.keys():
            by = self.found["void"]["authority"]["authority"]["kind"]
            found = "EXPIRED" if by == "time" else "CANCELLED"
        need(found == self.proof["outcome"], "it has another outcome")
        return "" if found else "it is open"

    def _trail(self) -> str:
        digits = self.proof["terms_hash"][2:]
        trace, root = digits[:32], digits[32:48]
        spans = [each["record"] for each in self.proof["spans"]]
        ids = [span["span_id"] for span in spans]
        need(len(set(ids)) == len(ids), "a span stands twice")
        entries = [
            (each["record"]["reference"], each["record"]["position"])
            for each in self.proof["entries"] + self.proof["foundations"]
        ]
        for span in spans:
            said = span["attributes"] if isinstance(span["attributes"], dict) else {}
            need(span["trace_id"] == trace, "a span is of another trace")
            need((span["parent_span_id"] is None) == (span["span_id"] == root), "the root is elsewhere")
            need(said.get("interlock.terms.hash", self.proof["terms_hash"]) == self.proof["terms_hash"], "other terms")
            if "interlock.receipt.reference" in said:
                named = (said["interlock.receipt.reference"], said.get("interlock.receipt.position"))
                need(named in entries, "a span names an entry that is not there")
            if "interlock.outcome" in said and self.proof["outcome"]:
                need(said["interlock.outcome"] == self.proof["outcome"], "a span says another outcome")
        if root not in ids:
            return "there is no root"
        orphans = [span for span in spans if span["parent_span_id"] not in (None, *ids)]
        return "a span's parent is not there" if orphans else ""

    def _attempts(self) -> str:
        spans = {each["record"]["span_id"]: each["record"]["attributes"] for each in self.proof["spans"]}
        missing = ""
        for each in self.proof["entries"]:
            record = each["record"]
            if record["trace_id"] == self.proof["terms_hash"][2:34]:
                if record["span_id"] not in spans:
                    missing = "an attempt is not there"
                else:
                    said = spans[record["span_id"]].get("interlock.receipt.reference", record["reference"])
                    need(said == record["reference"], "an attempt tells of another entry")
        return missing

    def _witnesses(self) -> str:
        for each in self.proof["witnesses"]:
            record = each["record"]
            need(record["journal"] != each["journal"], "a journal is its own witness")
            signed = self.seals.get((record["journal"], record["number"]))
            need(signed is not None, "a witness tells of a seal that is not there")
            assert signed is not None
            need((record["seal"], record["signature"]) == (signed["seal"], signed["signature"]), "of another seal")
            said = "0x" + digest("Seal", signed["seal"], self.proof["network"]).hex()
            need(record["digest"] == said, "of another digest")
        return ""


def _ascending(numbers: list[Any]) -> None:
    for before, after in pairwise(numbers):
        need(before < after, "something stands twice or in another order")


def _root(data: bytes, index: int, size: int, path: list[str]) -> bytes:
    """RFC 9162, section 2.1.3.2, step by step."""
    need(index < size, "the index is too large")
    fn, sn, r = index, size - 1, hashlib.sha256(b"\x00" + data).digest()
    for text in path:
        p = bytes.fromhex(text[2:])
        need(sn != 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not (fn & 1) and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    return r
