"""What is known of the trade that a story is about: its parties, its legs, and how amounts and keys are written.

Taken from the terms where an entry of a ledger holds them, else from what the spans say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.audit.spans import StoredSpan
from interlock.audit.story import Amount, Lane
from interlock.protocol.amounts import format_units, grouped
from interlock.protocol.records import Record

SetSizes = Mapping[tuple[str, int], int]
"""How many attestors are in a set, by its name and epoch."""

Decimals = Mapping[str, int]
"""How many decimals an asset has, by its code."""

Entries = Sequence[tuple[str, Record]]
"""Records of ledgers' journals, each with its ledger's name."""


class Trade:
    """One trade, as far as it is recorded."""

    def __init__(self, spans: Sequence[StoredSpan], entries: Entries, sizes: SetSizes, decimals: Decimals) -> None:
        self.terms: Mapping[str, Any] | None = next(
            (record["authority"]["signed"]["terms"] for _, record in entries if "signed" in record["authority"]), None
        )
        self._spans, self._sizes, self._decimals = spans, sizes, dict(decimals)
        if self.terms is not None:
            assets = [self.terms[leg]["asset"] for leg in ("delivery", "payment")]
            self._decimals |= {asset["code"]: int(asset["decimals"]) for asset in assets}
        self.settlement_id = self._known("settlement_id", "interlock.settlement.id")
        self.seller = self._known("seller", "interlock.seller")
        self.buyer = self._known("buyer", "interlock.buyer")
        self.delivery, self.payment = self._leg("delivery"), self._leg("payment")

    def amount(self, code: str, quantity: int) -> str:
        """So much of an asset, in whole units where its decimals are known."""
        if code in self._decimals:
            return f"{grouped(format_units(quantity, self._decimals[code]))} {code}"
        return f"{quantity:,} smallest units of {code}"

    def named(self, address: str) -> str:
        """An address, and which party's it is."""
        side = {self.seller: "seller ", self.buyer: "buyer "}.get(address, "")
        return f"{side}{address}"

    def attestors_in(self, name: str, epoch: int) -> int | None:
        """How many attestors are in a set; None if that is not known."""
        return self._sizes.get((name, epoch))

    def lane_of(self, ledger: str, operation: str) -> Lane:
        """The ledger's part in this trade."""
        if self.delivery is not None and ledger == self.delivery.ledger:
            return "asset ledger"
        if self.payment is not None and ledger == self.payment.ledger:
            return "payment ledger"
        return "payment ledger" if operation in ("pay", "void") else "asset ledger"

    def _known(self, field: str, attribute: str) -> str:
        found = next((str(span.attributes[attribute]) for span in self._spans if attribute in span.attributes), None)
        return found or str((self.terms or {}).get(field, ""))

    def _leg(self, leg: str) -> Amount | None:
        if self.terms is not None:
            said = self.terms[leg]
            code, quantity = said["asset"]["code"], int(said["quantity"])
            return Amount(
                said["ledger"], code, str(quantity), self.amount(code, quantity), said["deliverer"], said["receiver"]
            )
        for span in self._spans:
            said = span.attributes
            for prefix in (f"interlock.{leg}", *(["interlock"] if said.get("interlock.leg") == leg else [])):
                if f"{prefix}.asset" in said and f"{prefix}.quantity" in said:
                    code, quantity = str(said[f"{prefix}.asset"]), int(said[f"{prefix}.quantity"])
                    ledger = str(said.get(f"{prefix}.ledger", ""))
                    return Amount(ledger, code, str(quantity), self.amount(code, quantity))
        return None
