"""The comparison with other tools really compares: all of them load the same blocks, and each is checked."""

from __future__ import annotations

import subprocess

from tests.commands import TXHUB, environment
from tests.data import recorded


def test_the_same_blocks_are_loaded_by_all() -> None:
    # In the folder of the environments that `txhub bench peers` makes by pip: once takes minutes.
    options = ("--blocks", str(recorded()), "--repeat", "2", "--runs", "1")
    done = subprocess.run(
        [*TXHUB, "bench", "peers", *options],
        env=environment() | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("txhub", "cryo", "ethereum-etl", "COPY of encoded rows", "nobody reading"):
        assert any(name in line and " times " in line for line in done.stdout.splitlines())
