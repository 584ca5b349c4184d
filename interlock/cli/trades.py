"""A trade as people write it in a file, and the exact terms that it means. Reads no file, asks no ledger.

Quantities are decimal strings in whole units. Who the parties are, and how many decimals an asset has, is what the
ledgers know; every reason why a trade cannot become terms names the file's own field.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from interlock.protocol import AccountState, Asset, AttestorSet, Leg, Terms
from interlock.protocol.amounts import parse_units
from interlock.protocol.words import AccountName, AssetCode, LedgerName, SettlementId, UtcTime

_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?")
_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "unknown field",
    "string_type": "must be a string",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
_PATTERNS = {
    "settlement_id": "a settlement id is 1 to 52 of A-Z, 0-9 and -",
    "ledger": "a ledger's name is 1 to 32 of a-z, 0-9 and -",
    "asset": "an asset's code is 1 to 16 of A-Z, 0-9, . and -",
    "deliverer": "an account's name is 1 to 64 letters, digits, ., _ and -",
    "receiver": "an account's name is 1 to 64 letters, digits, ., _ and -",
}


class BadTrade(ValueError):  # noqa: N818 - named as what it says of the row
    """What is written is no trade that could be settled: which field, why, and a stable code for scripts."""

    def __init__(self, field: str, reason: str, code: str = "invalid_trade") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
        self.code = code


def _written_quantity(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('a quantity is a decimal string in whole units, such as "2500.00"')
    return value


def _written_time(value: Any) -> Any:
    match = _ISO_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a time is written as in "2026-11-23T17:00:00Z"')
    if match["zone"] is None:
        raise ValueError('the time has no zone: end it with Z for UTC, as in "2026-11-23T17:00:00Z"')
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("there is no such time") from None


WrittenTime = Annotated[UtcTime, BeforeValidator(_written_time)]


class WrittenLeg(BaseModel):
    """One leg as written."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ledger: LedgerName
    asset: AssetCode
    quantity: Annotated[str, BeforeValidator(_written_quantity)]
    deliverer: AccountName
    receiver: AccountName


MOST_BRACKETS = 32
"""A trade opens three. What opens thousands could take the reader's stack with it."""


class WrittenTrade(BaseModel):
    """A trade as written: its file's fields, each valid for itself."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    settlement_id: SettlementId
    delivery: WrittenLeg
    payment: WrittenLeg
    not_before: WrittenTime | None = None
    settle_by: WrittenTime

    @classmethod
    def parse(cls, text: str) -> "WrittenTrade":
        """The trade that a JSON object says; raises BadTrade."""
        if text.count("{") + text.count("[") > MOST_BRACKETS:
            raise BadTrade("", "not a trade: it opens too many brackets")
        try:
            said = json.loads(text, object_pairs_hook=_without_duplicates)
        except json.JSONDecodeError as error:
            raise BadTrade("", f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
        except BadTrade:
            raise
        except ValueError:  # Python reads no number of thousands of digits
            raise BadTrade("", "not a trade: a number in it is too long") from None
        if not isinstance(said, dict):
            raise BadTrade("", "a trade is a JSON object")
        return cls.of(said)

    @classmethod
    def of(cls, said: dict[str, Any]) -> "WrittenTrade":
        """The trade with these fields; raises BadTrade for the first one that will not do."""
        try:
            return cls.model_validate_json(json.dumps(said))
        except ValidationError as error:
            raise _bad_trade(error) from None

    def plain(self) -> "WrittenTrade":
        """The same trade with its quantities written in one way only, so that it can be compared."""
        legs = {"delivery": self.delivery, "payment": self.payment}
        plain = {name: leg.model_copy(update={"quantity": _plain(leg.quantity)}) for name, leg in legs.items()}
        return self.model_copy(update=plain)


@dataclass(frozen=True)
class LedgerBook:
    """What one ledger knows of its accounts, by name, and its assets, by code."""

    accounts: Mapping[str, AccountState]
    assets: Mapping[str, Asset]


def terms_of(trade: WrittenTrade, books: Mapping[str, LedgerBook], coordinator: AttestorSet) -> Terms:
    """The terms that a written trade means, given what the ledgers know; raises BadTrade."""
    if trade.delivery.ledger == trade.payment.ledger:
        raise BadTrade("payment.ledger", "delivery and payment are on the same ledger")
    delivery, payment = _leg("delivery", trade.delivery, books), _leg("payment", trade.payment, books)
    seller = _owner("delivery.deliverer", trade.delivery.ledger, trade.delivery.deliverer, books)
    buyer = _owner("payment.deliverer", trade.payment.ledger, trade.payment.deliverer, books)
    if _owner("payment.receiver", trade.payment.ledger, trade.payment.receiver, books) != seller:
        raise BadTrade("payment.receiver", f"account `{trade.payment.receiver}` is not the seller's", "wrong_owner")
    if _owner("delivery.receiver", trade.delivery.ledger, trade.delivery.receiver, books) != buyer:
        raise BadTrade("delivery.receiver", f"account `{trade.delivery.receiver}` is not the buyer's", "wrong_owner")
    if seller == buyer:
        raise BadTrade("payment.deliverer", "seller and buyer are the same party")
    if trade.not_before is not None and trade.not_before >= trade.settle_by:
        raise BadTrade("not_before", "not_before is not before settle_by")
    try:
        return Terms(
            settlement_id=trade.settlement_id,
            seller=seller,
            buyer=buyer,
            delivery=delivery,
            payment=payment,
            not_before=trade.not_before,
            settle_by=trade.settle_by,
            coordinator=coordinator,
        )
    except ValidationError as error:
        raise _bad_trade(error) from None


def _leg(name: str, leg: WrittenLeg, books: Mapping[str, LedgerBook]) -> Leg:
    if leg.ledger not in books:
        raise BadTrade(
            f"{name}.ledger", f"there is no ledger `{leg.ledger}`: it is {' or '.join(books)}", "unknown_ledger"
        )
    asset = books[leg.ledger].assets.get(leg.asset)
    if asset is None:
        raise BadTrade(f"{name}.asset", f"the {leg.ledger} ledger keeps no `{leg.asset}`", "unknown_asset")
    try:
        quantity = parse_units(leg.quantity, asset.decimals)
    except ValueError as error:
        raise BadTrade(f"{name}.quantity", str(error), "invalid_quantity") from None
    if leg.deliverer == leg.receiver:
        raise BadTrade(f"{name}.receiver", "deliverer and receiver are the same account")
    return Leg(ledger=leg.ledger, asset=asset, quantity=quantity, deliverer=leg.deliverer, receiver=leg.receiver)


def _owner(field: str, ledger: str, account: str, books: Mapping[str, LedgerBook]) -> str:
    state = books[ledger].accounts.get(account)
    if state is None:
        raise BadTrade(field, f"the {ledger} ledger has no account `{account}`", "unknown_account")
    return state.owner


def _plain(quantity: str) -> str:
    """The same number with no zeros before or after it that say nothing."""
    whole, _, part = quantity.partition(".")
    return f"{whole.lstrip('0')}.{part.rstrip('0')}"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise BadTrade(name, "the field stands twice")
        fields[name] = value
    return fields


def _bad_trade(error: ValidationError) -> BadTrade:
    # unknown fields first: a misspelt name is also a missing one, and the misspelling is what helps
    errors = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    first = errors[0]
    names = [part for part in first["loc"] if isinstance(part, str)]
    reason = _REASONS.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "string_pattern_mismatch" and names:
        reason = _PATTERNS.get(names[-1], reason)
    return BadTrade(".".join(names), reason)
