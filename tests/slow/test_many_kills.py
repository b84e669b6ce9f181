"""The kills of tests/faults, many more of them."""

from __future__ import annotations

import pytest

from tests.faults.test_kill import expect_everything, kill_backfills
from tests.faults.test_kill_ingester import expect_undisturbed, kill_ingesters


def test_twenty_kills_of_a_backfill(database: str) -> None:
    kill_backfills(database, 20, seed=2)
    expect_everything(database)


@pytest.mark.timeout(900)
async def test_a_hundred_kills_of_the_ingester(database: str) -> None:
    await expect_undisturbed(database, await kill_ingesters(database, kills=100, seed=2))
