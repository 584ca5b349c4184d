"""What is refused before it can be signed: each bad value by itself, in the trade of the story, named by its field."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from interlock.protocol import LedgerOrder, Mint, SignedTerms, Terms
from interlock.protocol.words import MAX_QUANTITY, checksummed
from tests.protocol.messages import KEYS, NETWORK, STORY, terms

SELLER = KEYS[0].address


def story_with(dotted: str, value: Any) -> dict[str, Any]:
    """The story's fields with one replaced, nested ones by their dotted name."""
    copy: dict[str, Any] = {**STORY, "delivery": {**STORY["delivery"]}, "payment": {**STORY["payment"]}}
    holder, names = copy, dotted.split(".")
    for name in names[:-1]:
        holder[name] = {**holder[name]}
        holder = holder[name]
    holder[names[-1]] = value
    return copy


NAIVE = datetime(2026, 11, 23, 17)  # noqa: DTZ001 - a naive time is what must be refused
WRONG_CHECKSUM = SELLER[:-1] + (SELLER[-1].swapcase() if SELLER[-1].isalpha() else SELLER[-1])
WRONG_CHECKSUM = "0x" + "".join(c.swapcase() for c in SELLER[2:]) if WRONG_CHECKSUM == SELLER else WRONG_CHECKSUM

BAD = [
    ("delivery.quantity", 1.0),
    ("delivery.quantity", 0.5),
    ("delivery.quantity", Decimal(1)),
    ("delivery.quantity", True),
    ("delivery.quantity", None),
    ("delivery.quantity", 0),
    ("delivery.quantity", -1),
    ("delivery.quantity", "0"),
    ("delivery.quantity", "-1"),
    ("delivery.quantity", "1.0"),
    ("delivery.quantity", "1e3"),
    ("delivery.quantity", "1_000"),
    ("delivery.quantity", " 1"),
    ("delivery.quantity", "\u0661"),
    ("delivery.quantity", ""),
    ("delivery.quantity", 2**256),
    ("delivery.quantity", str(2**256)),
    ("delivery.quantity", "1" * 79),
    ("delivery.asset.decimals", -1),
    ("delivery.asset.decimals", 37),
    ("delivery.asset.decimals", 2.0),
    ("delivery.asset.decimals", "2"),
    ("delivery.asset.code", "ousg"),
    ("delivery.asset.code", ""),
    ("delivery.asset.code", "X" * 17),
    ("delivery.ledger", "Asset"),
    ("delivery.ledger", "a b"),
    ("delivery.deliverer", ""),
    ("delivery.deliverer", "-x"),
    ("delivery.deliverer", "a" * 65),
    ("delivery.deliverer", "a\n"),
    ("delivery.surprise", 1),
    ("settlement_id", "x" * 5),
    ("settlement_id", "X" * 53),
    ("settlement_id", ""),
    ("settlement_id", "A_B"),
    ("settlement_id", "A B"),
    ("settlement_id", "A\n"),
    ("settlement_id", 7),
    ("seller", WRONG_CHECKSUM),
    ("seller", SELLER[:-1]),
    ("seller", SELLER + "0"),
    ("seller", SELLER[2:]),
    ("seller", "0X" + SELLER[2:]),
    ("seller", "alpine"),
    ("seller", b"1" * 20),
    ("settle_by", NAIVE),
    ("settle_by", "2026-11-23T17:00:00Z"),
    ("settle_by", 1_795_453_200),
    ("settle_by", datetime(1999, 12, 31, tzinfo=UTC)),
    ("settle_by", datetime(9999, 1, 2, tzinfo=UTC)),
    ("settle_by", None),
    ("not_before", NAIVE),
    ("coordinator.epoch", 0),
    ("coordinator.epoch", 2**32),
    ("coordinator.epoch", True),
    ("coordinator.digest", "0x12"),
    ("coordinator.digest", "ab" * 32),
    ("coordinator.name", "Main"),
    ("surprise", 1),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda part: repr(part)[:40])
def test_bad_values_are_refused_and_the_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Terms.model_validate(story_with(field, value))
    assert {".".join(map(str, error["loc"])) for error in refused.value.errors()} == {field}


@pytest.mark.parametrize("field", sorted(STORY.keys() - {"not_before"}))
def test_only_not_before_may_be_left_out(field: str) -> None:
    with pytest.raises(ValidationError):
        Terms.model_validate({name: value for name, value in STORY.items() if name != field})
    Terms.model_validate({name: value for name, value in STORY.items() if name != "not_before"})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("buyer", SELLER, "the same party"),
        ("buyer", SELLER.lower(), "the same party"),
        ("payment.ledger", "asset", "the same ledger"),
        ("delivery.receiver", "alpine", "the same account"),
        ("payment.receiver", "northbank", "the same account"),
        ("not_before", STORY["settle_by"], "not_before"),
        ("not_before", STORY["settle_by"] + timedelta(microseconds=1), "not_before"),
    ],
)
def test_values_that_make_no_trade_together_are_refused(field: str, value: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Terms.model_validate(story_with(field, value))


def test_addresses_in_lower_and_upper_case_are_the_same_address() -> None:
    for spelling in (SELLER, SELLER.lower(), "0x" + SELLER[2:].upper()):
        assert checksummed(spelling) == SELLER
        assert terms(seller=spelling) == terms()
        assert terms(seller=spelling).hash(NETWORK) == terms().hash(NETWORK)


def test_one_moment_in_two_time_zones_is_one_time() -> None:
    there = STORY["settle_by"].astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert terms(settle_by=there).hash(NETWORK) == terms().hash(NETWORK)
    assert terms(settle_by=there).settle_by.tzinfo is UTC


def test_terms_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(terms(), "buyer", SELLER)  # noqa: B010 - mypy would refuse the plain assignment


@pytest.mark.parametrize("quantity", [1, 10**18, 2**53 + 1, 10**77 + 1, MAX_QUANTITY])
def test_json_carries_big_quantities_exactly_as_strings(quantity: int) -> None:
    original = terms(delivery={**STORY["delivery"], "quantity": quantity})
    text = original.model_dump_json()
    assert json.loads(text)["delivery"]["quantity"] == str(quantity)
    assert Terms.model_validate_json(text) == original


@pytest.mark.parametrize("number", ["1.0", "1e3", "0.1", "true", "null", "-5", "0"])
def test_json_numbers_that_are_no_quantity_are_refused(number: str) -> None:
    text = terms().model_dump_json().replace('"28500000"', number)
    assert number in text
    with pytest.raises(ValidationError):
        Terms.model_validate_json(text)


def test_signed_terms_travel_as_json() -> None:
    signed = SignedTerms(network=NETWORK, terms=terms(), signatures=(KEYS[0].sign(terms(), NETWORK),))
    back = SignedTerms.model_validate_json(signed.model_dump_json())
    back.verify()
    assert back == signed


def test_three_signatures_on_terms_are_refused() -> None:
    signature = KEYS[0].sign(terms(), NETWORK)
    with pytest.raises(ValidationError):
        SignedTerms(network=NETWORK, terms=terms(), signatures=(signature,) * 3)


def test_an_order_of_an_unknown_kind_is_refused_and_a_known_one_keeps_its_type() -> None:
    order = {
        "kind": "mint", "ledger": "asset", "reason": "issue", "nonce": "0x" + "01" * 32,
        "valid_until": STORY["settle_by"], "account": "alpine", "asset": "OUSG", "quantity": 5,
    }  # fmt: skip
    adapter: TypeAdapter[Any] = TypeAdapter(LedgerOrder)
    assert isinstance(adapter.validate_python(order), Mint)
    with pytest.raises(ValidationError):
        adapter.validate_python({**order, "kind": "burn"})
    with pytest.raises(ValidationError):
        adapter.validate_python({**order, "reason": "   "})
