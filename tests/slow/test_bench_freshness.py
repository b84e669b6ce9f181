"""How soon blocks are seen is really measured: each of them arrives everywhere."""

from __future__ import annotations

from tests.commands import environment, run
from tests.data import recorded


def test_each_block_arrives() -> None:
    options = ("--blocks", str(recorded()), "--interval", "0.5", "--count", "10")
    done = run("bench", "freshness", *options, env=environment() | {"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    for what in ("committed", "told by the API"):
        assert any(what in line and "a block every 0.5 s, 10" in line for line in done.stdout.splitlines())
