"""`txhub demo`: everything at once on the simulated network, with what is publicly known of it."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from txhub.chain.demo.network import DEMO_CHAINS, SEED, DemoNetwork
from txhub.chain.demo.population import Label
from txhub.chain.demo.prices import hourly_prices
from txhub.chain.demo.schedule import GENESIS
from txhub.cli import wiring
from txhub.cli.up import run_all
from txhub.ingest.observers import keep_observers
from txhub.ports import free_port
from txhub.store.labels import import_list, read_lists
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.prices import Price, put_prices

LIST = "demo"
"""The source of the demo's labels and prices."""
WATCHLIST = "demo-watchlist"
"""The demo's watchlist."""
WATCHED = frozenset({"sanctioned", "mixer"})
"""The categories of labels whose addresses are on the watchlist of the demo."""
PEERS = {"US": 14, "DE": 9, "FI": 4, "SG": 4, "GB": 3, "JP": 3, "CA": 2, None: 7}
"""Of each simulated node, by country: it has no real ones that a GeoIP file could tell of."""
_PRICED_S = (-26 * 3600, 72 * 3600)
"""From when to when prices are known, counted from the start: for the history, and for a demo that runs for days."""


def demo(port: wiring.PortOption = None, home: wiring.HomeOption = None) -> None:
    """Show everything on a simulated network: no node and no Internet needed.

    The demo keeps its data in a folder `demo` of its own, so that it never mixes with real chains.
    """
    settings = wiring.settings_of(port=port, home=home)
    settings.home = settings.home / "demo"
    node_port = free_port()
    rpcs = [
        f"{chain.name}={'ws' if chain.family == 'evm' else 'http'}://127.0.0.1:{node_port}/{chain.name}"
        for chain in DEMO_CHAINS
    ]
    chains = wiring.chains_of([chain.name for chain in DEMO_CHAINS], rpcs, settings)
    run_all(settings, chains, rpcs, node_port=node_port, prepare=introduce)


async def introduce(url: str) -> None:
    """Tell the database what is known of the network before it is followed: chains, peers, labels and prices."""
    countries = [country for country, peers in PEERS.items() for _ in range(peers)]
    async with open_pool(url, name="demo", size=1) as pool:
        for chain in DEMO_CHAINS:
            await Ledger(pool, chain).register()
            await keep_observers(pool, chain, countries, datetime.now(UTC))
        labels = [label for chain in DEMO_CHAINS for label in DemoNetwork(chain).labels()]
        watched = [label for label in labels if label.category in WATCHED]
        if not await read_lists(pool, LIST):
            known = [label for label in labels if label not in watched]
            await _import(known, pool, source=LIST, as_of=datetime.now(UTC), watched=False)
        if not await read_lists(pool, WATCHLIST):
            # In force ever since there are blocks, so that what is planted in them was listed at the time.
            genesis = datetime.fromtimestamp(GENESIS, UTC)
            await _import(watched, pool, source=WATCHLIST, as_of=genesis, watched=True)
        first, last = (time.time() + seconds for seconds in _PRICED_S)
        await put_prices(
            pool,
            [
                Price(price.symbol, datetime.fromtimestamp(price.time, UTC), price.usd, LIST)
                for symbol in sorted({chain.symbol for chain in DEMO_CHAINS})
                for price in hourly_prices(SEED, symbol, first, last)
            ],
        )


async def _import(labels: Sequence[Label], pool: Pool, *, source: str, as_of: datetime, watched: bool) -> None:
    with NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(Label._fields)
        rows.writerows(labels)
        file.flush()
        await import_list(pool, Path(file.name), source=source, as_of=as_of, watched=watched)
