"""The hash covers every field of every signed message, found by reflection; `differing_fields` names what differs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from interlock.protocol import LedgerOrder, Message, differing_fields
from interlock.protocol.eip712 import digest_of, struct_hash
from tests.protocol.messages import KEYS, NETWORK, OTHER_NETWORK, SIGNED_TYPES, STORY, message_of, terms


def leaves(message: Message, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name and value of every field, those of nested messages included."""
    for name in type(message).model_fields:
        value = getattr(message, name)
        if isinstance(value, Message):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def changed(value: Any) -> list[Any]:
    """Other values that a field could have; for a time, the next microsecond too."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value ^ 2]
    if isinstance(value, datetime):
        return [value + timedelta(microseconds=1), value + timedelta(hours=1)]
    if value is None:
        return [1]
    if isinstance(value, tuple):
        return [value[:-1], (*value, KEYS[6].address), tuple(reversed((*value, KEYS[5].address)))]
    if value.startswith("0x"):
        return [value[:-1] + ("1" if value[-1] != "1" else "2")]
    return [value + "1", "X" + value[1:] if value[0] != "X" else "Y" + value[1:]]


def with_field(message: Message, dotted: str, value: Any) -> Message:
    """The message with one field replaced, unvalidated: the hash alone is under test."""
    name, _, rest = dotted.partition(".")
    return message.model_copy(update={name: with_field(getattr(message, name), rest, value) if rest else value})


FIELDS_OF_TERMS = [name for name, _ in leaves(terms())]


@pytest.mark.parametrize("field", FIELDS_OF_TERMS)
def test_hazard_07_changing_any_field_of_the_terms_changes_their_hash(field: str) -> None:
    original = terms()
    for value in changed(dict(leaves(original))[field]):
        other = with_field(original, field, value)
        assert other != original
        assert digest_of(other, NETWORK) != digest_of(original, NETWORK), f"{field} = {value!r} is not hashed"


def test_hazard_07_reflection_finds_the_fields_of_the_legs_and_the_optional_ones() -> None:
    assert {"not_before", "delivery.asset.decimals", "payment.receiver", "coordinator.digest"} <= set(FIELDS_OF_TERMS)
    assert len(FIELDS_OF_TERMS) == 5 + 2 * 6 + 3


def test_hazard_07_terms_without_not_before_have_another_hash() -> None:
    assert terms(not_before=None).hash(NETWORK) != terms().hash(NETWORK)


@pytest.mark.parametrize("model", SIGNED_TYPES, ids=lambda model: model.__name__)
def test_hazard_07_changing_any_field_of_any_signed_message_changes_its_digest(model: type[Message]) -> None:
    original = message_of(model, Random(model.__name__))
    for field, old in leaves(original):
        for value in changed(old):
            other = with_field(original, field, value)
            assert digest_of(other, NETWORK) != digest_of(original, NETWORK), f"{field} = {value!r} is not hashed"


def test_hazard_07_legs_exchanged_are_other_terms() -> None:
    exchanged = terms(delivery=STORY["payment"], payment=STORY["delivery"])
    assert exchanged.hash(NETWORK) != terms().hash(NETWORK)


def test_hazard_24_the_same_terms_have_another_hash_on_another_network() -> None:
    assert terms().hash(NETWORK) != terms().hash(OTHER_NETWORK)


def test_the_hash_of_the_story_is_pinned() -> None:
    """A change of this value is a change of the protocol: nothing signed before would count any more."""
    assert terms().hash(NETWORK) == "0x9888828049d3468a15fd22f22be65acba1e1e4e09dc427870a87f6b19a1c3733"


@pytest.mark.parametrize("model", SIGNED_TYPES, ids=lambda model: model.__name__)
@pytest.mark.parametrize("seed", range(10))
def test_what_travelled_as_json_has_the_same_hash(model: type[Message], seed: int) -> None:
    original = message_of(model, Random(seed))
    back = type(original).model_validate_json(original.model_dump_json())
    assert back == original
    assert struct_hash(back) == struct_hash(original)


def test_every_ledger_order_is_among_the_signed_types() -> None:
    union = LedgerOrder.__origin__  # type: ignore[attr-defined]
    assert set(union.__args__) <= set(SIGNED_TYPES)


@pytest.mark.parametrize("field", FIELDS_OF_TERMS)
def test_differing_fields_names_the_field(field: str) -> None:
    mine = terms()
    theirs = with_field(mine, field, changed(dict(leaves(mine))[field])[0])
    assert isinstance(theirs, type(mine))
    assert differing_fields(mine, theirs) == (field,)


def test_differing_fields_of_equal_terms_are_none() -> None:
    assert differing_fields(terms(), terms()) == ()


def test_differing_fields_are_named_in_the_order_of_the_fields() -> None:
    mine = terms()
    theirs = terms(buyer=KEYS[2].address, not_before=None, payment={**STORY["payment"], "quantity": 1})
    assert differing_fields(mine, theirs) == ("buyer", "payment.quantity", "not_before")
