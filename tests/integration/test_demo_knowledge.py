"""What the demo tells of its network: labels and prices, once, and the same each time."""

from __future__ import annotations

import time
from decimal import Decimal
from itertools import pairwise

from txhub.chain.demo.network import DEMO_CHAINS, SEED, DemoNetwork
from txhub.chain.demo.prices import hourly_prices
from txhub.cli.demo import introduce
from txhub.store.pool import open_pool


async def test_labels_and_prices_are_there_and_stay_as_they_are(database: str) -> None:
    await introduce(database)
    await introduce(database)
    labels = [label for chain in DEMO_CHAINS for label in DemoNetwork(chain).labels()]
    async with open_pool(database, name="test") as pool:
        rows = await pool.fetch(
            "SELECT c.name AS chain, txhub.address_text(l.address, c.family) AS address, l.name, l.category, l.country"
            " FROM txhub.labels l JOIN txhub.chains c USING (chain_id)"
        )
        assert sorted(map(repr, map(tuple, rows))) == sorted(map(repr, map(tuple, labels)))
        watched = "SELECT count(*), min(category), max(category) FROM txhub.labels WHERE watched"
        listed = [label for label in labels if label.category in ("mixer", "sanctioned")]
        assert tuple(await pool.fetchrow(watched)) == (len(listed), "mixer", "sanctioned")
        for chain in DEMO_CHAINS:
            price = await pool.fetchval("SELECT txhub.price($1, now(), INTERVAL '1 day')", chain.symbol)
            [now] = hourly_prices(SEED, chain.symbol, time.time() - 3600, time.time())
            assert price == now.usd


def test_prices_are_simulated_by_the_hour_and_move_a_little() -> None:
    prices = hourly_prices(SEED, "DBTC", 0, 30 * 86_400)
    assert prices == hourly_prices(SEED, "DBTC", 0, 30 * 86_400)
    assert [price.time for price in prices] == list(range(0, 30 * 86_400 + 1, 3600))
    steps = [abs(after.usd / before.usd - 1) for before, after in pairwise(prices)]
    assert max(steps) < Decimal("0.03")
    assert len({price.usd for price in prices}) > 600
