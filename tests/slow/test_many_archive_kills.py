"""The archive's kills of tests/faults, many more of them."""

from __future__ import annotations

import pytest

from tests.faults.test_archive_kill import archived, go_round

__all__ = ["archived"]


@pytest.mark.timeout(1800)
def test_eighty_kills(database: str, archived: dict[str, str]) -> None:
    go_round(database, archived, 20, seed=2)
