"""The metrics' names: documented, and used by the dashboard and the alert rules as they are."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from prometheus_client.parser import text_string_to_metric_families

from txhub.contract import StreamHealth
from txhub.ops.metrics import Metrics, Standing

CHECKOUT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = re.findall(
    r"^\| `(txhub_\w+)` \| (\w+) \| (.*?) \|", (CHECKOUT / "docs" / "metrics.md").read_text(), re.MULTILINE
)
DOCUMENTED = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROWS}
STANDING = Standing(
    [StreamHealth("ethereum", "ok", "", 7, NOW, NOW, 3.0, state="following", head=9, lag_blocks=2, coverage=0.5)],
    pl.DataFrame({"name": ["disk_filling"], "chain": [""], "level": ["error"]}),
    pl.DataFrame({"name": ["worker"], "running": [True], "seen": [1.0]}),
    pl.DataFrame({"reader": ["rollup"], "behind": [0.5]}),
    pl.DataFrame({"channel": ["desk"], "waiting": [2.0], "dead": [1.0]}),
    1e9,
)


def exposed() -> dict[str, tuple[str, set[str]]]:
    """Each family's type and labels; without the times of making that the library adds."""
    metrics = Metrics()
    metrics.count("/v1/chains", "GET", 200, 0.01)
    found = {}
    for family in text_string_to_metric_families(metrics.exposition(STANDING).decode()):
        if family.name.endswith("_created"):
            continue
        labels = {label for label in family.samples[0].labels if label != "le"}
        found[family.name + ("_total" if family.type == "counter" else "")] = (family.type, labels)
    return found


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    assert exposed() == DOCUMENTED


def test_what_is_told_of_a_database_that_does_not_answer() -> None:
    metrics = Metrics()
    metrics.exposition(STANDING)
    text = metrics.exposition(None).decode()
    assert "txhub_database_up 0.0" in text
    assert "ethereum" not in text


def expressions() -> list[str]:
    rules: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose" / "alerts.yml").read_text())
    dashboard = json.loads((CHECKOUT / "compose" / "grafana.json").read_text())
    return [
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
        *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"]),
    ]


def test_the_dashboard_and_the_rules_name_metrics_that_exist() -> None:
    named = {name.removesuffix("_bucket") for each in expressions() for name in re.findall(r"\btxhub_\w+", each)}
    assert named <= DOCUMENTED.keys()
    assert {"txhub_finding", "txhub_stream_lag_seconds", "txhub_service_seen_timestamp_seconds"} <= named
