"""What nodes say of where their peers are."""

from __future__ import annotations

import msgspec
import pytest

from txhub.chain.peers import BitcoinPeer, EvmPeer


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("81.2.69.142:30303", "81.2.69.142"),
        ("[2001:218::1]:30303", "2001:218::1"),
        ("expyuzz4wqqyqhjn.onion:8333", None),
        ("", None),
        ("81.2.69.142", None),
        ("[::1", "::1"),
    ],
)
def test_an_address_is_read_where_there_is_one(told: str, address: str | None) -> None:
    geth = {"enode": "enode://…", "caps": ["eth/68"], "network": {"localAddress": "10.0.0.1:1", "remoteAddress": told}}
    core = {"id": 3, "addr": told, "addrlocal": "10.0.0.1:1", "network": "ipv4"}
    for peer, kind in ((geth, EvmPeer), (core, BitcoinPeer)):
        read = msgspec.json.decode(msgspec.json.encode(peer), type=kind).address
        assert (None if read is None else str(read)) == address


def test_a_peer_that_tells_nothing_is_still_one() -> None:
    assert [peer.address for peer in msgspec.json.decode(b"[{}]", type=list[EvmPeer])] == [None]
    assert [peer.address for peer in msgspec.json.decode(b"[{}]", type=list[BitcoinPeer])] == [None]
