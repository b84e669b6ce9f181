"""What the command line shows: messages, logs, errors in one line."""

from __future__ import annotations

import logging
import sys

import structlog
from rich.console import Console

from txhub.config import Settings
from txhub.errors import TxhubError

out = Console(highlight=False)
"""Results: what a script would read."""
err = Console(stderr=True, highlight=False)
"""Progress, hints and errors: what a person reads."""


def show_error(error: TxhubError) -> None:
    """One line that says what is wrong, and one that says what to do."""
    err.print(f"[bold red]error:[/] {_plain(str(error))}", soft_wrap=True)
    if error.hint:
        err.print(f"[dim]{_plain(error.hint)}[/]", soft_wrap=True)


def configure_logs(settings: Settings) -> None:
    """One line an event on standard error, as text for people or as JSON for machines. Times are UTC."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if as_json else renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
