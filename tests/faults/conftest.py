"""What tests of faults share: a database for each edition, in which every case has a chain of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import open_database
from tests.faults.stage import Contents, impatient, play
from txhub.store.edition import Edition
from txhub.store.migrate import migrate
from txhub.store.server import Server

__all__ = ["impatient"]


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def shared_database(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    """The URL of a migrated database of the edition, for all cases of a module."""
    with open_database(servers(request.param)) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def undisturbed(servers: Callable[[Edition], Server]) -> Contents:
    """What an ingester that nothing happens to leaves in the database: the same in both editions."""
    with open_database(servers(Edition.PLAIN)) as url:
        migrate(url)
        return asyncio.run(play(url))
