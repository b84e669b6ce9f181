"""Which chains are known, what settings and the command line change of them, and what may be shown of a URL."""

from __future__ import annotations

from decimal import Decimal

import pytest
from eth_utils.address import is_checksum_address
from pydantic import ValidationError

from txhub.chain.registry import CHAINS, open_source, redact, resolve
from txhub.config import Settings
from txhub.errors import SettingError, UsageError
from txhub.model import Chain


def settings(**chains: dict[str, object]) -> Settings:
    return Settings(chains=chains)


def test_built_in_chains() -> None:
    assert {name: chain.chain_id for name, chain in CHAINS.items()} == {
        "ethereum": 1,
        "base": 8453,
        "arbitrum": 42161,
        "optimism": 10,
        "polygon": 137,
        "bnb": 56,
        "avalanche": 43114,
        "bitcoin": 0,
    }
    for name, chain in CHAINS.items():
        assert chain.name == name
        assert (chain.family, chain.decimals) == (("utxo", 8) if name == "bitcoin" else ("evm", 18))
        assert all(url.startswith(("wss://", "https://")) for url in chain.endpoints)
        assert resolve(name, settings()) == chain
        assert chain.explorer == resolve(name, settings(**{name: {"explorer": chain.explorer}})).explorer
        assert open_source(chain).chain == chain


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "explorer.example.org", "https://explorer.example.org/", "x"]
)
def test_an_explorer_is_a_plain_address(address: str) -> None:
    with pytest.raises(ValidationError, match="explorer"):
        settings(ethereum={"explorer": address})


@pytest.mark.parametrize("chain", CHAINS.values(), ids=lambda chain: chain.name)
def test_built_in_chains_have_nodes_of_two_operators(chain: Chain) -> None:
    hosts: dict[str, list[str]] = {"wss": [], "https": []}
    for url in chain.endpoints:
        scheme, _, host = url.partition("://")
        hosts[scheme].append(host)
    assert len({host.split(".", 1)[1] for host in hosts["https"]}) == 2
    assert hosts["wss"] == (hosts["https"] if chain.family == "evm" else [])


def test_price_feeds_are_addresses_without_a_misprint() -> None:
    feeds = {name: chain.price_feed for name, chain in CHAINS.items() if chain.price_feed}
    assert set(feeds) == set(CHAINS) - {"bitcoin"}
    assert len(set(feeds.values())) == len(feeds)
    assert all(is_checksum_address(feed) for feed in feeds.values())


def test_settings_change_a_built_in_chain() -> None:
    changed = resolve("base", settings(base={"finality_depth": 5, "large_value": "2.5", "rpc": ["ws://127.0.0.1:1"]}))
    assert (changed.chain_id, changed.symbol, changed.block_time_s) == (8453, "ETH", 2)
    assert (changed.finality_depth, changed.large_value) == (5, Decimal("2.5"))
    assert changed.endpoints == ("ws://127.0.0.1:1",)


def test_settings_without_nodes_keep_the_built_in_ones() -> None:
    assert resolve("base", settings(base={"symbol": "XYZ"})).endpoints == CHAINS["base"].endpoints


def test_the_command_line_takes_the_place_of_all_other_nodes() -> None:
    chosen = resolve("base", settings(base={"rpc": ["ws://a"]}), ["http://b", "wss://c"])
    assert chosen.endpoints == ("http://b", "wss://c")


def test_settings_add_a_chain() -> None:
    added = resolve("dev", settings(dev={"chain_id": 31337, "rpc": ["ws://127.0.0.1:8545"]}))
    assert added == Chain(31337, "dev", "evm", "ETH", 18, 12, 64, Decimal(100), ("ws://127.0.0.1:8545",))
    coins = resolve("coins", settings(coins={"chain_id": 3, "family": "utxo", "symbol": "C", "rpc": ["http://a"]}))
    assert (coins.family, coins.symbol, coins.decimals) == ("utxo", "C", 8)


def test_an_unknown_chain_names_the_known_ones_and_the_way_to_add_it() -> None:
    with pytest.raises(UsageError, match=r"'etherium'.*arbitrum.*ethereum") as failure:
        resolve("etherium", settings())
    assert "[chains.etherium]" in (failure.value.hint or "")


def test_an_added_chain_needs_its_id() -> None:
    with pytest.raises(SettingError, match=r"chains\.dev\.chain_id"):
        resolve("dev", settings(dev={"rpc": ["ws://127.0.0.1:8545"]}))


def test_a_chain_without_a_node() -> None:
    with pytest.raises(UsageError, match="'dev' has no node") as failure:
        resolve("dev", settings(dev={"chain_id": 31337}))
    assert "--rpc" in (failure.value.hint or "")


@pytest.mark.parametrize(
    ("chain", "url"),
    [
        ("ethereum", "ftp://127.0.0.1"),
        ("ethereum", "127.0.0.1:8545"),
        ("ethereum", "ws://"),
        ("ethereum", "ws://[::1"),
        ("ethereum", "ws://host:port"),
        ("ethereum", ""),
        ("bitcoin", "ws://127.0.0.1"),
    ],
)
def test_a_url_that_cannot_be_a_node(chain: str, url: str) -> None:
    with pytest.raises(UsageError, match=chain):
        resolve(chain, settings(), [url])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://user:secret@host.example:8546/v3/secret?key=secret#secret", "wss://host.example:8546"),
        ("https://host.example/secret", "https://host.example"),
        ("http://user:secret@[::1]:8545", "http://[::1]:8545"),
        ("ws://host.example:secret/", "a URL that cannot be read"),
        ("secret", "a URL that cannot be read"),
        ("ws://[secret", "a URL that cannot be read"),
    ],
)
def test_what_may_be_shown_of_a_url(url: str, shown: str) -> None:
    assert redact(url) == shown
