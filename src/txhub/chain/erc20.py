"""What token contracts say of themselves: the questions for their symbol and decimals, and how answers are read.

Anybody may write such a contract, so an answer may be anything. What cannot be a symbol or decimals is None.
"""

from __future__ import annotations

from binascii import unhexlify

from txhub.chain.jsonrpc import Call

_SYMBOL = "0x95d89b41"
_DECIMALS = "0x313ce567"
_WORD = 32
_LONGEST = 64
_DECIMALS_END = 256


def questions(token: bytes) -> tuple[Call, Call]:
    """Return the calls for a token's symbol and for its decimals."""
    symbol, decimals = (
        Call("eth_call", ({"to": f"0x{token.hex()}", "data": method}, "latest")) for method in (_SYMBOL, _DECIMALS)
    )
    return symbol, decimals


def answer(data: str, symbol: str, decimals: int) -> bytes | None:
    """Encode what a token answers to a call that asks for one of them; None: the call is another one."""
    if data == _DECIMALS:
        return decimals.to_bytes(_WORD, "big")
    if data != _SYMBOL:
        return None
    text = symbol.encode()
    return (
        _WORD.to_bytes(_WORD, "big")
        + len(text).to_bytes(_WORD, "big")
        + text.ljust(-len(text) // _WORD * -_WORD, b"\0")
    )


def read_symbol(answer: str | None) -> str | None:
    """Read a symbol: a string, or as early tokens have it (MKR) the characters themselves, filled up with zeros."""
    said = _bytes(answer)
    if len(said) == _WORD:
        text = said.rstrip(b"\0")
    else:
        start = int.from_bytes(said[:_WORD], "big") + _WORD
        size = int.from_bytes(said[start - _WORD : start], "big")
        text = said[start : start + size]
        if len(text) != size:
            return None
    try:
        symbol = text.decode().strip()
    except UnicodeDecodeError:
        return None
    return symbol if 0 < len(symbol) <= _LONGEST and symbol.isprintable() else None


def read_decimals(answer: str | None) -> int | None:
    """Read how many decimals a token's amounts have."""
    said = _bytes(answer)
    decimals = int.from_bytes(said, "big")
    return decimals if len(said) == _WORD and decimals < _DECIMALS_END else None


def _bytes(answer: str | None) -> bytes:
    try:
        return unhexlify((answer or "").removeprefix("0x"))
    except ValueError:
        return b""
