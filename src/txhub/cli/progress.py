"""A bar for work that takes long: how much is done, how fast, and what is left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from txhub.cli.console import err


@contextmanager
def showing(unit: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar until the block ends; what to call with what was done since the last call.

    Results may be printed meanwhile: they appear above the bar, or go where standard output goes.
    """
    columns = (BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} {task.description}"))
    rate = TextColumn("{task.fields[rate]}")
    with Progress(*columns, rate, TimeRemainingColumn(), console=err, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(unit, total=total, rate="")

        def advance(amount: int) -> None:
            bar.advance(task, amount)
            if speed := bar.tasks[task].speed:
                bar.update(task, rate=f"{speed:,.0f}/s")

        yield advance
