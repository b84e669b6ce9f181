"""Many more requests that the OpenAPI document allows, and that it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.described import described, held
from txhub.store.edition import Edition
from txhub.store.server import Server


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 5))
def test_every_operation_is_as_described(
    servers: Callable[[Edition], Server], migrated: Callable[[Edition], str], seed: int
) -> None:
    with described(servers, migrated, examples=300, seed=seed) as schema:
        asked, failures = held(schema)
    assert not failures, "\n\n".join(failures)
    assert asked
