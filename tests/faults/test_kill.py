"""A backfill that is killed at random points, or run four times at once, ends where an undisturbed one does."""

from __future__ import annotations

import random
import subprocess
import time

import psycopg

from tests.commands import ROWS, TXHUB, WEI, environment, recorded_node
from tests.data import FIRST, LAST

REPEAT = 12
TO = FIRST + REPEAT * (LAST - FIRST + 1) - 1
KILLS = 5


def backfill(database: str, node: str) -> subprocess.Popen[bytes]:
    options = ("--chain", "ethereum", "--rpc", node, "--from", str(FIRST), "--to", str(TO))
    # Small requests make many commits, so many different points to be killed at.
    env = environment(database, request_blocks="3", parallel_requests="2")
    return subprocess.Popen([*TXHUB, "backfill", *options], env=env, stdout=subprocess.DEVNULL)


def contents(database: str) -> dict[str, object]:
    questions = {
        "rows": "SELECT count(*), sum(value) FROM txhub.transactions",
        "hashes": "SELECT count(DISTINCT hash) FROM txhub.transactions",
        "ledger": "SELECT count(*), min(number), max(number), sum(tx_count) FROM txhub.blocks",
        "minutes": "SELECT sum(tx_count), sum(value_sum), count(*) FROM txhub.tx_1m",
        "days": "SELECT sum(tx_count), sum(value_sum) FROM txhub.tx_1d",
        "told": "SELECT sum((data ->> 'tx_count')::int) FROM txhub.stream_events",
    }
    with psycopg.connect(database) as connection:
        return {name: connection.execute(question).fetchone() for name, question in questions.items()}


def expect_everything(database: str) -> None:
    found = contents(database)
    assert found["rows"] == (ROWS * REPEAT, WEI * REPEAT)
    assert found["hashes"] == (ROWS * REPEAT,)
    assert found["ledger"] == (REPEAT * (LAST - FIRST + 1), FIRST, TO, ROWS * REPEAT)
    assert found["minutes"][:2] == (ROWS * REPEAT, WEI * REPEAT)  # type: ignore[index]
    assert found["days"] == (ROWS * REPEAT, WEI * REPEAT)
    assert found["told"] == (ROWS * REPEAT,)


def kill_backfills(database: str, kills: int, seed: int) -> None:
    """Start it so many times, and kill it -9 somewhere between its start and its end; then let it finish."""
    chance = random.Random(seed)
    with recorded_node(repeat=REPEAT) as node:
        for _ in range(kills):
            process = backfill(database, node)
            _wait_until_connected(database)
            time.sleep(chance.uniform(0, 0.7))
            process.kill()
            process.wait()
        assert backfill(database, node).wait(120) == 0


def _wait_until_connected(database: str) -> None:
    asked = """
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'txhub backfill' AND datname = current_database()
    """
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute(asked).fetchone() == (0,):
            time.sleep(0.01)


def test_killed_backfills_end_as_an_undisturbed_one(database: str) -> None:
    kill_backfills(database, KILLS, seed=1)
    expect_everything(database)


def test_four_backfills_at_once_end_as_one(database: str) -> None:
    with recorded_node(repeat=REPEAT) as node:
        processes = [backfill(database, node) for _ in range(4)]
        assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    expect_everything(database)
