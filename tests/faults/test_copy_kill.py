"""`txhub db copy` that is killed at random points and begun again ends where an undisturbed one does."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.blocks import ETHEREUM, make_block
from tests.commands import TXHUB, environment, run
from tests.conftest import open_database
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.server import Server

KILLS = 4
BLOCKS = [make_block(number, transactions=6) for number in range(0, 40_000, 10)]
"""Six days of Ethereum with gaps between all blocks, so many commits of the copy."""


@pytest.fixture
def target(servers: Callable[[Edition], Server]) -> Iterator[str]:
    with open_database(servers(Edition.PLAIN)) as url:
        yield url


async def fill(url: str) -> None:
    async with open_pool(url, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS, bulk=True)


def contents(url: str) -> list[tuple[object, ...]]:
    questions = (
        "SELECT count(*), sum(tx_count), md5(string_agg(hash, ''::bytea ORDER BY number)) FROM txhub.blocks",
        "SELECT count(*), sum(value), count(DISTINCT hash) FROM txhub.transactions",
        "SELECT count(*), sum(amount) FROM txhub.token_transfers",
        "SELECT count(*), sum(tx_count), sum(value_sum) FROM txhub.tx_1m",
        "SELECT sum(tx_count), sum(value_sum) FROM txhub.tx_1d",
    )
    with psycopg.connect(url) as connection:
        return [connection.execute(question).fetchone() or () for question in questions]


def test_a_copy_survives_being_killed(database: str, target: str) -> None:
    asyncio.run(fill(database))
    chance = random.Random(20_261_123)
    began = time.monotonic()
    env = environment(database)
    command = [*TXHUB, "db", "copy", "--to", target]
    first = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The first is killed early, and tells how long it takes to start; the others anywhere after that.
    while not (migrated(target) or first.poll() is not None):
        time.sleep(0.02)
    start_up = time.monotonic() - began
    first.kill()
    first.wait()
    for _ in range(KILLS - 1):
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(start_up + chance.uniform(0, 1.5))
        process.kill()
        process.wait()
    done = run("db", "copy", "--to", target, env=env)
    assert done.returncode == 0, done.stderr
    assert contents(target) == contents(database)


def migrated(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('txhub.installation') IS NOT NULL").fetchone()
    return bool(row and row[0])
