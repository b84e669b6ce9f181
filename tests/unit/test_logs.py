"""Logs are one line an event, with a chain or a request, and never hold a secret."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from txhub.cli.logs import configure_logs, mask
from txhub.config import Settings

KEY = "txhub_" + "k" * 43


pytestmark = pytest.mark.usefixtures("logs_as_before")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://txhub:hunter2@db:5432/txhub is away", "postgresql://***@db:5432/txhub is away"),
        ("wss://mainnet.example.com/v3/0123456789abcdef", "wss://mainnet.example.com/***"),
        ("https://node.example.com?apikey=hunter2", "https://node.example.com/***"),
        ("https://user:hunter2@node.example.com/x", "https://***@node.example.com/***"),
        (f"key {KEY} is not in force", "key txhub_*** is not in force"),
        ("password=hunter2 user=txhub", "password=*** user=txhub"),
        ("{'password': 'hunter2'}", "{'password': '***'}"),
        ("ws://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("block 7 has 3 of 4 transactions; 12:30:00", "block 7 has 3 of 4 transactions; 12:30:00"),
    ],
)
def test_secrets_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_line_is_json_with_its_context_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_format="json"))
    log = structlog.get_logger("test").bind(chain="ethereum")
    with structlog.contextvars.bound_contextvars(request="r1"):
        nested = {"urls": ["ws://node/hunter2"], "api_key": "hunter2"}
        log.warning("lost", reason=ValueError("wss://node/hunter2"), password="hunter2", details=nested)
    log.error("failed", exc_info=ValueError("no answer from postgresql://txhub:hunter2@db/txhub"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "hunter2" not in "".join(lines)
    line = json.loads(lines[0])
    assert (line["event"], line["level"], line["chain"], line["request"]) == ("lost", "warning", "ethereum", "r1")
    assert "postgresql://***@db/txhub" in json.loads(lines[1])["exception"]


def test_what_libraries_warn_of_is_a_line_like_others(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_format="json"))
    logging.getLogger("asyncpg.pool").info("not worth a line")
    fault = OSError("cannot connect to postgresql://txhub:hunter2@db/txhub")
    logging.getLogger("asyncpg.pool").warning("Failed to restore the pool", exc_info=fault)
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("Failed to restore the pool", "warning")
    assert "postgresql://***@db/txhub" in told["exception"]


def test_text_for_people_and_the_least_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_format="text", log_level="warning"))
    structlog.get_logger("test").info("heard")
    structlog.get_logger("test").error("lost", url="ws://node/hunter2")
    shown = capsys.readouterr().err
    assert "heard" not in shown
    assert "lost" in shown
    assert "hunter2" not in shown
