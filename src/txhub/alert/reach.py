"""Which addresses messages may be sent to: none of this machine or of a private network, unless that is allowed.

Whoever can choose a name's addresses could otherwise have txhub ask services that only it can reach. So every address
that a name resolves to is checked, and what is connected to is one that was checked: a name that resolves otherwise a
moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from txhub.errors import TxhubError, Unavailable

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddress(TxhubError):
    """The address is in a private network, or on this machine."""

    code = "private-address"


class NameUnknown(Unavailable):
    """A name does not resolve."""

    code = "name-unknown"


async def reachable_address(host: str, port: int | None, *, allow_private: bool) -> str:
    """An address of a host that may be connected to: checked, with all others that it has.

    Raises:
        PrivateAddress: one of them is not of the public Internet, and that is not allowed.
        NameUnknown: it has none; try again.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(f"{host} does not resolve: {error}") from None
    addresses = [str(each[4][0]) for each in found]
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                named = address if host == address else f"{host} is {address}, which"
                raise PrivateAddress(
                    f"{named} is not an address of the public Internet",
                    hint="set allow_private of the channel if that is meant",
                )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public Internet, also as an IPv4 address that is written inside an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in (ip, *_embedded(ip)))


def _embedded(ip: _IP) -> list[_IP]:
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    found: list[_IP | None] = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
