"""Parameters that choose among things that exist; whatever is refused is answered with what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

from txhub.contract import ChainInfo
from txhub.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


def one_of(parameter: str, text: str, allowed: type[Choice]) -> Choice:
    """The member that a text names.

    Raises:
        UsageError: there is none; names the parameter and the members.
    """
    try:
        return allowed(text)
    except ValueError:
        raise UsageError(f"{parameter} is {text!r}", hint=f"send one of {', '.join(allowed)}") from None


def some_of(parameter: str, texts: Iterable[str], allowed: type[Choice]) -> list[Choice]:
    """The members that the texts name, each once."""
    return [one_of(parameter, text, allowed) for text in dict.fromkeys(texts)]


def chains_of(known: Sequence[ChainInfo], names: Iterable[str]) -> list[ChainInfo]:
    """The chains of these names, or all where none is named.

    Raises:
        UsageError: there is no such chain; names those that there are.
    """
    by_name = {chain.name: chain for chain in known}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in by_name:
            hint = f"send one or more of {', '.join(by_name)}" if by_name else "no chain was followed yet"
            raise UsageError(f"chain is {name!r}, which is not known here", hint=hint)
    return [by_name[name] for name in wanted] if wanted else list(known)
