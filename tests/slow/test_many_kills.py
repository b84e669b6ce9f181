"""The kills of tests/faults, many more of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.commands import recorded_node
from tests.faults.test_kill import REPEAT, expect_everything, kill_backfills


@pytest.fixture
def node() -> Iterator[str]:
    with recorded_node(repeat=REPEAT) as url:
        yield url


def test_twenty_kills(database: str, node: str) -> None:
    kill_backfills(database, node, 20, seed=2)
    expect_everything(database)
