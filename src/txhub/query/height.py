"""Numbers of blocks that a question names."""

from __future__ import annotations

from txhub.errors import UsageError

_GREATEST = 2**63 - 1


def block_number(parameter: str, text: str) -> int:
    """The number of a block.

    Raises:
        UsageError: the text is none; names the parameter.
    """
    if is_number(text) and int(text) <= _GREATEST:
        return int(text)
    raise UsageError(
        f"{parameter} is {text[:100]!r}, which is not the number of a block", hint="send a number such as 18090206"
    )


def is_number(text: str) -> bool:
    """Whether a text is written as a number, and is not a hash."""
    return text.isascii() and text.isdigit() and len(text) < 64
