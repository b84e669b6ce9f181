"""The stories of tests/integration/test_any_sequence.py, many more of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from tests.integration.test_any_sequence import run, stories
from txhub.store.edition import Edition
from txhub.store.server import Server


@pytest.mark.timeout(1800)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories)
def test_two_hundred_stories(
    servers: Callable[[Edition], Server], monkeypatch: pytest.MonkeyPatch, story: list[tuple[str, int]]
) -> None:
    run(servers(Edition.PLAIN), story, monkeypatch)
