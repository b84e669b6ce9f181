"""Asks nodes for their peers, and keeps in which countries these are: by a GeoIP file, without their addresses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import maxminddb
import structlog

from txhub.chain.peers import Address
from txhub.errors import NodeRefused, SettingError
from txhub.model import Chain
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

INTERVAL_S = 600.0
"""Seconds between two questions: peers come and go in hours."""
REFUSED_S = 3600.0
"""Seconds until a node is asked again that does not tell its peers: it may be another one by then."""
_SQL = queries("observers")


@runtime_checkable
class PeerSource(Protocol):
    """A source whose node may tell who its peers are."""

    chain: Chain

    async def peers(self) -> list[Address | None]:
        """Return the addresses of the node's peers, None for each that has none in the Internet.

        Raises:
            NodeUnavailable: nobody answers; ask again later.
            NodeRefused: the node does not tell.
        """
        ...


class Countries:
    """A GeoIP file in MaxMind's format, with countries (GeoLite2 Country or City, and those made like them)."""

    def __init__(self, file: Path) -> None:
        """Open the file.

        Raises:
            SettingError: it cannot be read, or is none.
        """
        try:
            self._file = maxminddb.open_database(file)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as fault:
            raise SettingError(
                f"setting 'geoip' is {str(file)!r}: {fault}", hint="name a file such as GeoLite2-Country.mmdb"
            ) from None

    def country(self, address: Address | None) -> str | None:
        """ISO 3166 code of the country in which an address is, None where the file does not know."""
        found = None if address is None else self._file.get(address)
        told = found.get("country") if isinstance(found, dict) else None
        code = told.get("iso_code") if isinstance(told, dict) else None
        return code if isinstance(code, str) else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


async def keep_observers(pool: Pool, chain: Chain, countries: Sequence[str | None], now: datetime) -> None:
    """Store the countries of a node's peers, one each (None: not known), in place of those stored before.

    Raises:
        DatabaseUnavailable: call it again.
    """
    counted = Counter(countries)
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SQL["forget"], chain.chain_id)
            await connection.execute(_SQL["put"], chain.chain_id, list(counted), list(counted.values()), now)


async def keep_asking(source: PeerSource, pool: Pool, countries: Countries) -> None:
    """Ask for a node's peers for ever."""
    log = structlog.get_logger("ingest").bind(chain=source.chain.name)
    while True:
        try:
            peers = await source.peers()
        except NodeRefused as refusal:
            log.info("peers not told", reason=str(refusal), again_in_s=REFUSED_S)
            await asyncio.sleep(REFUSED_S)
            continue
        await keep_observers(pool, source.chain, [countries.country(peer) for peer in peers], datetime.now(UTC))
        log.debug("peers counted", peers=len(peers))
        await asyncio.sleep(INTERVAL_S)
