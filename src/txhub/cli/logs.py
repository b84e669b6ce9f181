"""Logs: one line an event on standard error, as text for people or JSON for machines, without any secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from txhub.config import Settings
from txhub.store.keys import PREFIX

HIDDEN = "***"
_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@\"']*@", re.IGNORECASE)
"""User and password of a URL."""
_NODE = re.compile(r"\b((?:ws|http)s?://[^/\s\"'<>?#]+)[/?#][^\s\"'<>]*", re.IGNORECASE)
"""What follows the host of a web address: paid nodes and dead man's switches have their key there."""
_KEY = re.compile(rf"\b{PREFIX}[A-Za-z0-9_-]{{20,}}")
"""A key of the API."""
_PASSWORD = re.compile(r"(\b(?:password|secret|token|api_?key)['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+", re.IGNORECASE)
_SECRET_NAMES = re.compile(r"password|secret|token$|api_?key|authorization|cookie", re.IGNORECASE)


def mask(text: str) -> str:
    """A text without what may be a secret in it: credentials, all of a web address after its host, keys, passwords."""
    text = _CREDENTIALS.sub(rf"\1{HIDDEN}@", text)
    text = _NODE.sub(rf"\1/{HIDDEN}", text)
    return _PASSWORD.sub(rf"\1{HIDDEN}", _KEY.sub(f"{PREFIX}{HIDDEN}", text))


def mask_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask every value of a line, however deep it lies; structlog's processor."""
    return {name: HIDDEN if _SECRET_NAMES.search(name) else _masked(value) for name, value in event.items()}


def configure_logs(settings: Settings) -> None:
    """Set up structlog as the settings say. Times are UTC."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    renderer: Processor = structlog.processors.JSONRenderer()
    if not as_json:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    _take_over(steps, renderer)
    structlog.configure(
        processors=[*steps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _take_over(steps: list[Processor], renderer: Processor) -> None:
    """Let what libraries warn of look like our own lines: asyncpg tells of connections that it cannot make, say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _masked(value: Any) -> Any:
    match value:
        case str():
            return mask(value)
        case dict():
            return {name: HIDDEN if _SECRET_NAMES.search(str(name)) else _masked(each) for name, each in value.items()}
        case list() | tuple():
            return [_masked(each) for each in value]
        case BaseException():
            return mask(str(value))
        case _:
            return value
