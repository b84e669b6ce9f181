"""The whole stack under load while faults strike, for twenty minutes: `txhub bench soak` as it is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from txhub.cli.bench_soak import rendered, run_soak
from txhub.cli.soak_stage import soak_home

MINUTES, RATE, CHAINS, SEED = 20, 1000.0, 8, 8


@pytest.mark.timeout((MINUTES + 20) * 60)
async def test_nothing_is_lost_doubled_or_unsaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with soak_home() as home:
        report = await run_soak(home, tmp_path, MINUTES * 60, RATE, CHAINS, random.Random(SEED))
    with capsys.disabled():
        print(f"\n{rendered(report, CHAINS, RATE)}")  # noqa: T201 (the figures)
    assert list(report.faults) == []
    assert report.transactions > 0
