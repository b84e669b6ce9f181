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


def _evm(
    chain_id: int,
    name: str,
    symbol: str,
    block_time_s: float,
    finality_depth: int,
    large_value: int,
    price_feed: str,
    publicnode: str,
    drpc: str | None = None,
) -> Chain:
    hosts = (f"{publicnode}-rpc.publicnode.com", f"{drpc or name}.drpc.org")
    endpoints = tuple(f"{scheme}://{host}" for scheme in ("wss", "https") for host in hosts)
    large = Decimal(large_value)
    return Chain(
        chain_id, name, "evm", symbol, 18, block_time_s, finality_depth, large, endpoints, price_feed=price_feed
    )


_BITCOIN_NODES = ("https://bitcoin-rpc.publicnode.com", "https://bitcoin.drpc.org")

# Ids and public nodes are as chainlist.org lists them, of two operators each. Feeds are the proxies of the coin's
# price in USD in Chainlink's documentation (docs.chain.link, "Price Feed Contract Addresses"; Polygon's is listed as
# MATIC). Where the seconds between blocks and the depths come from is said chain by chain.
_BUILT_IN = (
    # Slots of 12 s; a checkpoint is final two epochs of 32 slots later (ethereum.org, "Gasper").
    _evm(1, "ethereum", "ETH", 12, 64, 100, "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419", "ethereum", "eth"),
    # A block of one sequencer every 2 s, final together with Ethereum's (docs.optimism.io, "Transaction finality").
    # Before that only a fault of the sequencer or a reorg of Ethereum replaces any: two minutes are our margin.
    _evm(8453, "base", "ETH", 2, 64, 100, "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70", "base"),
    # The same with a block every 250 ms while there is something to put into it (docs.arbitrum.io, "Sequencer timing
    # adjustments" and "Finality and chain reorganizations"): a minute is our margin.
    _evm(42161, "arbitrum", "ETH", 0.25, 240, 100, "0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612", "arbitrum-one"),
    # As on Base, whose software this is.
    _evm(10, "optimism", "ETH", 2, 64, 100, "0x13e3Ee699D1909E989722E753853AE30b17e08c5", "optimism"),
    # Every 2 s, final by a milestone 2 to 5 s later (docs.polygon.technology, "Finality"); milestones have been late
    # by minutes, so the depth is a margin.
    _evm(137, "polygon", "POL", 2, 128, 500_000, "0xAB594600376Ec9fD91F8e885dADF0CE036862dE0", "polygon-bor"),
    # Every 0.45 s since the fork Fermi; where votes fail, final after 15 validators of 16 blocks each (BEP-619).
    _evm(56, "bnb", "BNB", 0.45, 240, 500, "0x0567F2323251f0Aab15c8dFb1967E4e8A7D42aeE", "bsc", "bsc"),
    # Every 2 s at first, which validators may vote to change (ACP-226). What a node shows is accepted, so final
    # (build.avax.network, "Avalanche Consensus"): the depth only says what gap is closed before the next head.
    _evm(43114, "avalanche", "AVAX", 2, 32, 10_000, "0x0A77230d17318075983913bC2145DB16C7366156", "avalanche-c-chain"),
    # Every ten minutes, and six blocks to be sure (bitcoin.org, "Some things you need to know"). Bitcoin has no chain
    # id of its own: 0 is its coin type in SLIP-44.
    Chain(0, "bitcoin", "utxo", "BTC", 8, 600, 6, Decimal(25), _BITCOIN_NODES),
)
# As chainlist.org lists them, but for Bitcoin's, whose software is the Mempool Open Source Project's.
_EXPLORERS = {
    "ethereum": "https://etherscan.io",
    "base": "https://basescan.org",
    "arbitrum": "https://arbiscan.io",
    "optimism": "https://optimistic.etherscan.io",
    "polygon": "https://polygonscan.com",
    "bnb": "https://bscscan.com",
    "avalanche": "https://snowtrace.io",
    "bitcoin": "https://mempool.space",
}
CHAINS: dict[str, Chain] = {chain.name: replace(chain, explorer=_EXPLORERS[chain.name]) for chain in _BUILT_IN}
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

    keep_urls_out_of_logs()
    return EvmSource(chain)


def keep_urls_out_of_logs() -> None:
    """Silence the libraries that log whole URLs, with their keys, and say once more what they raise."""
    for library in ("web3", "websockets"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


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
            what = "what is given" if shown == _UNREADABLE else shown
            raise UsageError(
                f"{what} cannot be a node of chain {chain.name!r}",
                hint=f"a URL is expected that begins with one of {', '.join(f'{scheme}://' for scheme in allowed)}",
            )
