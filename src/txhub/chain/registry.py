"""The chains that txhub knows without being told, and how settings change or add to them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from txhub.config import ChainSettings, KeepSettings, Settings
from txhub.errors import NodeRefused, SettingError, UsageError
from txhub.model import Chain, Keep

if TYPE_CHECKING:
    from txhub.chain.source import Source

_UNREADABLE = "a URL that cannot be read"
_SCHEMES = {"evm": ("ws", "wss", "http", "https"), "utxo": ("http", "https")}


def _evm(chain_id: int, name: str, symbol: str, block_time_s: float, depth: int, large: int, host: str) -> Chain:
    endpoints = (f"wss://{host}", f"https://{host}")
    return Chain(chain_id, name, "evm", symbol, 18, block_time_s, depth, Decimal(large), endpoints)


_BUILT_IN = (
    _evm(1, "ethereum", "ETH", 12, 64, 100, "ethereum-rpc.publicnode.com"),
    _evm(8453, "base", "ETH", 2, 64, 100, "base-rpc.publicnode.com"),
    _evm(42161, "arbitrum", "ETH", 0.25, 240, 100, "arbitrum-one-rpc.publicnode.com"),
    _evm(10, "optimism", "ETH", 2, 64, 100, "optimism-rpc.publicnode.com"),
    _evm(137, "polygon", "POL", 2, 128, 500_000, "polygon-bor-rpc.publicnode.com"),
    _evm(56, "bnb", "BNB", 0.75, 64, 500, "bsc-rpc.publicnode.com"),
    _evm(43114, "avalanche", "AVAX", 2, 32, 10_000, "avalanche-c-chain-rpc.publicnode.com"),
    # Bitcoin has no chain id of its own: 0 is its coin type in SLIP-44.
    Chain(0, "bitcoin", "utxo", "BTC", 8, 600, 6, Decimal(25), ("https://bitcoin-rpc.publicnode.com",)),
)
CHAINS: dict[str, Chain] = {chain.name: chain for chain in _BUILT_IN}
"""The built-in chains by name, with public nodes: good for a look, too slow for a day's history."""


def resolve(name: str, settings: Settings, rpc: Sequence[str] = ()) -> Chain:
    """Find a chain by name: built in or from `[chains.NAME]`, which also changes what is built in.

    `rpc` are the URLs of the command line; they take the place of all others.

    Raises:
        UsageError: the chain is not known, has no endpoint, or an endpoint's scheme does not fit.
        SettingError: `[chains.NAME]` adds a chain but does not say its id.
    """
    given = settings.chains.get(name)
    known = CHAINS.get(name)
    if known is None and given is None:
        names = ", ".join(sorted({*CHAINS, *settings.chains}))
        raise UsageError(
            f"chain {name!r} is not known; these are: {names}",
            hint=f"to add it, give [chains.{name}] a chain_id and rpc in txhub.toml",
        )
    chain = known or _new(name, given or ChainSettings())
    if given is not None:
        changes = given.model_dump(exclude_none=True, exclude={"rpc", "keep"})
        chain = replace(chain, **changes, endpoints=tuple(given.rpc) or chain.endpoints, keep=_keep(given.keep))
    if rpc:
        chain = replace(chain, endpoints=tuple(rpc))
    _check_endpoints(chain)
    return chain


def open_source(chain: Chain) -> Source:
    """Return the chain's source of blocks. Nothing is connected before the first call.

    Raises:
        UsageError: the chain has no endpoint, or an endpoint's scheme does not fit.
    """
    _check_endpoints(chain)
    # Imported when needed: web3 takes over a second, and most commands never talk to a node.
    if chain.family == "utxo":
        from txhub.chain.bitcoin import BitcoinSource

        return BitcoinSource(chain)
    from txhub.chain.evm import EvmSource

    # Both log whole URLs, with their keys, and say once more what they raise.
    for library in ("web3", "websockets"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    return EvmSource(chain)


def other_chain(where: str, served: int, wanted: Chain) -> NodeRefused:
    """Return the error that a node serves the chain with the id `served`, and not the one that is wanted."""
    names = [chain.name for chain in _BUILT_IN if chain.chain_id == served]
    title = f"{names[0]} (chain {served})" if names else f"chain {served}"
    return NodeRefused(
        f"{where} serves {title}, not {wanted.name} (chain {wanted.chain_id})",
        hint="give the URL of a node of this chain, or name the chain that this node serves",
    )


def redact(url: str) -> str:
    """Reduce a node's URL to what may be shown: passwords and keys sit in all its other parts."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, f":{parts.port}" if parts.port else ""
    except ValueError:
        return _UNREADABLE
    if not parts.scheme or not host:
        return _UNREADABLE
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"


def _new(name: str, given: ChainSettings) -> Chain:
    if given.chain_id is None:
        raise SettingError(
            f"setting 'chains.{name}.chain_id' is missing: the chain is not built in",
            hint="it is what the node answers to eth_chainId",
        )
    if given.family == "utxo":
        return Chain(given.chain_id, name, "utxo", "BTC", 8, 600, 6, Decimal(25))
    return Chain(given.chain_id, name, "evm", "ETH", 18, 12, 64, Decimal(100))


def _keep(given: KeepSettings | None) -> Keep | None:
    if given is None:
        return None
    return Keep(None if given.kinds is None else frozenset(kind.value for kind in given.kinds), given.least_value)


def _check_endpoints(chain: Chain) -> None:
    if not chain.endpoints:
        raise UsageError(
            f"chain {chain.name!r} has no node to ask",
            hint=f"give one with --rpc URL, or as rpc in [chains.{chain.name}] of txhub.toml",
        )
    allowed = _SCHEMES[chain.family]
    for url in chain.endpoints:
        shown = redact(url)
        if shown.partition("://")[0] not in allowed:
            raise UsageError(
                f"{shown} cannot be a node of chain {chain.name!r}",
                hint=f"a URL is expected that begins with one of {', '.join(f'{scheme}://' for scheme in allowed)}",
            )
