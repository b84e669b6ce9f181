"""All benchmarks in turn: one that fails stops no other, and is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from txhub.cli import bench_all
from txhub.errors import Incomplete


def test_one_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = (
        bench_all.Part("fails", "What fails", "Nobody answers there.", "load http://127.0.0.1:1", ""),
        bench_all.Part("left-out", "What is left out", "Of a quick run.", None, "load --help"),
        bench_all.Part("works", "What works", "It says how to use it.", "load --help", ""),
    )
    monkeypatch.setattr(bench_all, "PARTS", parts)
    blocks, page = tmp_path / "blocks.jsonl.gz", tmp_path / "docs" / "performance.md"
    blocks.touch()
    page.parent.mkdir()
    with pytest.raises(Incomplete, match="of 2 benchmarks these failed: fails"):
        bench_all.everything(blocks, quick=True, only=None, page=page)
    text = page.read_text()
    failed, worked = text.index("## What fails"), text.index("## What works")
    assert failed < text.index("**It failed**") < worked < text.index("Usage: ")
    assert "left out" not in text
