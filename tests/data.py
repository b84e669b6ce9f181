"""The recorded blocks that tests use; they are no part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TXHUB_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MAINNET = "ethereum/mainnet_18090205-18090218.jsonl.gz"
"""14 linked blocks of Ethereum with 2,137 transactions."""
FIRST, LAST = 18_090_205, 18_090_218


def recorded(name: str = MAINNET) -> Path:
    """The path of a recorded file; skips the test where there is none."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no recorded blocks at {FOLDER}: set TXHUB_TEST_DATA to their folder")
    return path
