"""Numbers and times as people read them. Exact text stays at hand for those who hover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from txhub.contract import Kind

KIND_NAMES: dict[Kind, str] = {
    Kind.TRANSFER: "Transfer",
    Kind.TOKEN_TRANSFER: "Token transfer",
    Kind.NFT_TRANSFER: "NFT transfer",
    Kind.CONTRACT_CALL: "Contract call",
    Kind.CONTRACT_CREATION: "Contract creation",
    Kind.COINBASE: "Coinbase",
}

NOT_KNOWN = "\N{EN DASH}"

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def count(number: float | None) -> str:
    """A number of things: `2,137`, `12.4 M`; a dash where it is not known."""
    if number is None:
        return NOT_KNOWN
    for scale, letter in _SCALES:
        if abs(number) >= scale:
            return f"{number / scale:,.2f} {letter}"
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:,.1f}"


def coins(amount: float | str | None, symbol: str = "") -> str:
    """An amount of coins in about four significant digits: `0.6807 ETH`, `1,491.22 ETH`, `3.20 M ETH`.

    What is less than a hundred millionth is said to be that; its digits are `exact`'s.
    """
    if amount is None:
        return NOT_KNOWN
    number = float(amount)
    for scale, letter in _SCALES:
        if abs(number) >= scale:
            return f"{number / scale:,.2f} {letter} {symbol}".rstrip()
    if number == 0:
        return f"0 {symbol}".rstrip()
    if abs(number) >= 1:
        return f"{number:,.2f} {symbol}".rstrip()
    if abs(number) < 1e-8:
        return f"{'-' if number < 0 else ''}<0.00000001 {symbol}".rstrip()
    places = min(-Decimal(repr(number)).adjusted() + 3, 8)
    return f"{number:.{places}f} {symbol}".rstrip()


def exact(amount: float | str | None, symbol: str = "") -> str:
    """All digits of an amount, with thousands separated, and its symbol; of a float, those that it surely holds."""
    if amount is None:
        return "not known"
    digits = amount if isinstance(amount, str) else f"{amount:.15g}"
    return f"{Decimal(digits):,f} {symbol}".rstrip()


def percent(fraction: float, places: int = 1) -> str:
    """A fraction as a percentage that does not claim 100 % before it is: 0.99999 is `99.9 %`."""
    scale = 10 ** (places + 2)
    return f"{int(fraction * scale + 1e-9) / 10**places:.{places}f}".rstrip("0").rstrip(".") + " %"


def moment(time: datetime | None, zone: tzinfo = UTC) -> str:
    """A time to the second, by the clocks of a zone: `2023-09-08 07:27:11`."""
    return NOT_KNOWN if time is None else f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def minute(time: datetime, zone: tzinfo = UTC) -> str:
    """A time to the minute, by the clocks of a zone: `8 Sep 2023, 07:27`."""
    return f"{time.astimezone(zone):%-d %b %Y, %H:%M}"


def length(span: timedelta) -> str:
    """A length of time in its two largest units: `3 min`, `1 d 4 h`."""
    seconds = int(span.total_seconds())
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(octets: int) -> str:
    """So many bytes in the largest unit that leaves a whole: `3.4 MB`."""
    for scale, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if octets >= scale:
            return f"{octets / scale:,.1f} {unit}"
    return f"{octets} B"


def shortened(text: str) -> str:
    """The two ends of a hash or an address, as much as people compare: `0x12ab34…89ef`."""
    return text if len(text) <= 14 else f"{text[:8]}…{text[-4:]}"
