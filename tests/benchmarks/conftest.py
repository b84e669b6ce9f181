"""What is measured alone: recorded blocks, and a database that is empty."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.blocks import ETHEREUM
from tests.data import recorded
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

Result = TypeVar("Result")
Run = Callable[[Coroutine[Any, Any, Result]], Result]


@pytest.fixture(scope="session")
def lines() -> list[bytes]:
    """Recorded blocks as a node's JSON: those of TXHUB_BENCH_BLOCKS, or the ones that tests use."""
    named = os.environ.get("TXHUB_BENCH_BLOCKS")
    with gzip.open(Path(named) if named else recorded()) as file:
        return file.read().splitlines()


@pytest.fixture
def run() -> Iterator[Run[Any]]:
    """Runs work on a loop that stays the same for a whole benchmark."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def ledger(run: Run[Any], database: str) -> Iterator[Ledger]:
    """The ledger of an empty database that knows Ethereum."""
    opened = open_pool(database, name="bench", size=1)
    ledger = Ledger(run(opened.__aenter__()), ETHEREUM)
    run(ledger.register())
    yield ledger
    run(opened.__aexit__(None, None, None))
