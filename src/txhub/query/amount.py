"""Amounts in whole coins, as people write them, and the base units that are stored."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from txhub.errors import UsageError

_WRITTEN = re.compile(r"\d{1,40}(\.\d{1,40})?")
_EXACT = Context(prec=120)


def at_least(parameter: str, text: str, decimals: int) -> int:
    """The least number of base units that is not below an amount of whole coins.

    Raises:
        UsageError: the text is not a decimal number; names the parameter.
    """
    return _base_units(parameter, text, decimals, ROUND_CEILING)


def at_most(parameter: str, text: str, decimals: int) -> int:
    """The greatest number of base units that is not above an amount of whole coins.

    Raises:
        UsageError: the text is not a decimal number; names the parameter.
    """
    return _base_units(parameter, text, decimals, ROUND_FLOOR)


def whole_coins(base_units: int, decimals: int) -> str:
    """Base units as whole coins, exactly: without an exponent, and without zeros at the end, as `txhub.to_native`."""
    digits = str(abs(base_units)).zfill(decimals + 1)
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{'-' if base_units < 0 else ''}{whole}{'.' if fraction else ''}{fraction}"


def _base_units(parameter: str, text: str, decimals: int, rounding: str) -> int:
    if not (text.isascii() and _WRITTEN.fullmatch(text)):
        raise UsageError(
            f"{parameter} is {text[:100]!r}, which is not an amount", hint="send whole coins, such as 100 or 0.25"
        )
    exact = _EXACT.create_decimal(text).scaleb(decimals, _EXACT)
    return int(exact.to_integral_value(rounding, _EXACT))
