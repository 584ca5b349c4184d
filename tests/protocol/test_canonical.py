"""One value, one sequence of bytes; and no number loses a digit."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from interlock.protocol.canonical import canonical, exactly


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": [1, True, None], "a": "x"}, b'{"a":"x","b":[1,true,null]}'),
        ('\u20ac$\u000f\nA\'B"\\\\"/', b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),  # RFC 8785, section 3.2.2
        (9007199254740991, b"9007199254740991"),
        ([], b"[]"),
    ],
)
def test_what_is_written(value: Any, written: bytes) -> None:
    assert canonical(value) == written


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), {"\u00e9": 1}, {1: 2}, "\ud800", b"x", {"a": [float("nan")]}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, -7]", [1, -7]),
        ("9007199254740992", {"number": "9007199254740992"}),
        ("1.50", {"number": "1.50"}),
        ("1e400", {"number": "1e400"}),
        ("1" * 400, {"number": "1" * 400}),
    ],
)
def test_no_number_loses_a_digit(text: str, value: Any) -> None:
    assert exactly(text) == value
    canonical(exactly(text))


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NAMES = st.text(st.characters(max_codepoint=127))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_any_value_is_written_as_another_implementation_of_rfc_8785_writes_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_a_name_that_is_not_ascii_has_a_place_and_loses_nothing() -> None:
    value = exactly('{"b": 1, "\u00e9": {"a": 2}}')
    assert value == {"members": [["b", 1], ["\u00e9", {"a": 2}]]}
    canonical(value)
