"""Whole units to smallest units and back, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.protocol.amounts import format_units, grouped, parse_units
from interlock.protocol.words import MAX_QUANTITY


@pytest.mark.parametrize(
    ("text", "decimals", "quantity"),
    [
        ("2500.00", 18, 2500 * 10**18),
        ("285000.00", 2, 28_500_000),
        ("0.01", 2, 1),
        ("7", 0, 7),
        ("007.5", 1, 75),
        ("1." + "0" * 17 + "1", 18, 10**18 + 1),
        (str(MAX_QUANTITY), 0, MAX_QUANTITY),
    ],
)
def test_a_decimal_string_is_read_exactly(text: str, decimals: int, quantity: int) -> None:
    assert parse_units(text, decimals) == quantity


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.001", "3 decimals, the asset has 2"),
        ("1.000", "3 decimals, the asset has 2"),
        ("0", "greater than zero"),
        ("0.00", "greater than zero"),
        ("-5", "greater than zero"),
        ("1e5", "decimal number"),
        ("1,000.00", "decimal number"),
        ("1_000", "decimal number"),
        (".5", "decimal number"),
        ("5.", "decimal number"),
        ("+5", "decimal number"),
        (" 5", "decimal number"),
        ("5\n", "decimal number"),
        ("\u0665", "decimal number"),
        ("NaN", "decimal number"),
        ("", "decimal number"),
        (str(MAX_QUANTITY), "below 2\\^256"),
        ("9" * 100, "decimal number"),
    ],
)
def test_what_is_no_exact_quantity_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_units(text, 2)


@pytest.mark.parametrize("value", [2500, 2500.0, None, True])
def test_a_number_that_is_no_string_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="decimal string"):
        parse_units(value, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quantity", "decimals", "text"),
    [(2500 * 10**18, 18, "2500"), (25005, 1, "2500.5"), (-1, 2, "-0.01"), (0, 2, "0"), (100, 0, "100")],
)
def test_the_shortest_exact_string_is_written(quantity: int, decimals: int, text: str) -> None:
    assert format_units(quantity, decimals) == text


@given(st.integers(1, MAX_QUANTITY), st.integers(0, 36))
def test_what_is_written_is_read_back(quantity: int, decimals: int) -> None:
    assert parse_units(format_units(quantity, decimals), decimals) == quantity


@pytest.mark.parametrize(
    ("amount", "text"), [("1234567.891", "1,234,567.891"), ("-1234", "-1,234"), ("-0.01", "-0.01"), ("0", "0")]
)
def test_people_are_shown_thousands(amount: str, text: str) -> None:
    assert grouped(amount) == text
