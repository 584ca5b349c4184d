"""Quantities as people write them, in whole units, and as the protocol has them, in smallest units: exactly."""

import re

from interlock.protocol.words import MAX_QUANTITY

_DECIMAL = re.compile(r"(?P<whole>[0-9]{1,78})(?:\.(?P<part>[0-9]{1,78}))?", re.ASCII)


def parse_units(text: str, decimals: int) -> int:
    """Smallest units of a decimal string such as "2500.00"; raises ValueError with the reason.

    Refuses signs, exponents, separators, zero, more decimals than the asset has (trailing zeros too: who writes
    2500.000 of cents may mean another asset), and 2^256 smallest units or more.
    """
    if not isinstance(text, str):
        raise ValueError('a quantity is a decimal string in whole units, such as "2500.00"')
    if text.startswith("-"):
        raise ValueError("a quantity is greater than zero")
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError('a quantity is a decimal number in whole units, such as "2500.00": digits and one point')
    part = match["part"] or ""
    if len(part) > decimals:
        raise ValueError(f"{len(part)} decimals, the asset has {decimals}")
    quantity = int(match["whole"] + part.ljust(decimals, "0"))
    if quantity == 0:
        raise ValueError("a quantity is greater than zero")
    if quantity > MAX_QUANTITY:
        raise ValueError("a quantity is below 2^256 of the smallest unit")
    return quantity


def format_units(quantity: int, decimals: int) -> str:
    """The shortest exact decimal string of so many smallest units: "2500", "2500.5", "-0.01"."""
    digits = str(abs(quantity)).rjust(decimals + 1, "0")
    whole, part = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals else (digits, "")
    return ("-" if quantity < 0 else "") + whole + (f".{part}" if part else "")


def grouped(amount: str) -> str:
    """A decimal string with thousands separators, for people only."""
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, point, part = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{part}"
