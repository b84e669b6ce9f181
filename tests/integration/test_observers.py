"""Where the nodes' peers are: asked of the node, looked up in a GeoIP file, kept without addresses, and told."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM
from tests.data import recorded
from txhub.chain.peers import Address
from txhub.client import AsyncClient
from txhub.contract import Observer
from txhub.errors import NodeRefused, SettingError
from txhub.ingest import observers
from txhub.ingest.observers import Countries, keep_asking
from txhub.model import Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

TWO_BRITISH_ONE_SWEDISH = ("81.2.69.142", "2.125.160.216", "89.160.20.112")
HERE = "127.0.0.1"
"""A place that no file knows."""


class Peers:
    """A node that tells these peers, the first ones first; then it refuses, and says so."""

    def __init__(self, chain: Chain, *answers: tuple[str | None, ...]) -> None:
        self.chain = chain
        self.refused = asyncio.Event()
        self._answers = list(answers)

    async def peers(self) -> list[Address | None]:
        if not self._answers:
            self.refused.set()
            raise NodeRefused("the method admin_peers does not exist")
        return [None if told is None else ip_address(told) for told in self._answers.pop(0)]


async def test_peers_are_told_by_country_with_the_unknown(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "INTERVAL_S", 0.0)
    countries = Countries(recorded("geo/GeoLite2-City-Test.mmdb"))
    async with open_pool(database, name="test") as pool, asking(database) as api:
        client = AsyncClient("http://127.0.0.1")
        client._http = api
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        none = await client.observers()
        assert (none.items, none.peer_count, none.unknown_share, none.seen_at) == ([], 0, None, None)

        ethereum = Peers(ETHEREUM, (HERE,), (*TWO_BRITISH_ONE_SWEDISH, HERE, None))
        bitcoin = Peers(BITCOIN, ("2001:218::1", "89.160.20.112", "89.160.20.112"))
        asked = [asyncio.create_task(keep_asking(source, pool, countries)) for source in (ethereum, bitcoin)]
        async with asyncio.timeout(20):
            await ethereum.refused.wait()
            await bitcoin.refused.wait()
        for task in asked:
            task.cancel()
        await asyncio.wait(asked)

        there = await client.observers(chain=ETHEREUM.name)
        assert there.items == [Observer("GB", 2, 0.4), Observer("SE", 1, 0.2)]
        assert (there.peer_count, there.unknown_count, there.unknown_share) == (5, 2, 0.4)
        assert there.seen_at is not None
        everywhere = await client.observers()
        assert {each.country: each.peer_count for each in everywhere.items} == {"SE": 3, "GB": 2, "JP": 1}
        assert (everywhere.peer_count, everywhere.unknown_count) == (8, 2)
        lines = await api.get("/v1/observers?format=csv&chain=bitcoin")
        assert lines.text.splitlines()[:2] == ["country,peer_count,peer_share", f"SE,2,{2 / 3}"]
        assert lines.headers["txhub-unknown-share"] == "0.0"
    countries.close()


def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.mmdb", tmp_path / "text.mmdb"):
        if file.name == "text.mmdb":
            file.write_text("no places")
        with pytest.raises(SettingError, match=f"'geoip' is .*{file.name}"):
            Countries(file)
