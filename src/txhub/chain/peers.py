"""The network addresses of a node's peers, as geth and Bitcoin Core tell them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

import msgspec

Address: TypeAlias = IPv4Address | IPv6Address


class _Network(msgspec.Struct, rename="camel"):
    remote_address: str = ""


class EvmPeer(msgspec.Struct):
    """A peer in the answer to geth's `admin_peers`, which other clients answer alike."""

    network: _Network = msgspec.field(default_factory=_Network)

    @property
    def address(self) -> Address | None:
        """Where it is in the Internet; None where that is not told."""
        return address_of(self.network.remote_address)


class BitcoinPeer(msgspec.Struct):
    """A peer in the answer to Bitcoin Core's `getpeerinfo`."""

    addr: str = ""

    @property
    def address(self) -> Address | None:
        """Where it is in the Internet; None where it comes by Tor, I2P or CJDNS."""
        return address_of(self.addr)


def address_of(text: str) -> Address | None:
    """The address in `1.2.3.4:30303` or `[2001:db8::1]:30303`; None where there is none."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text.rpartition(":")[0]
    try:
        return ip_address(host)
    except ValueError:
        return None
