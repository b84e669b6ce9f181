"""`txhub rollup …`: what is materialised, and how far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.errors import UsageError
from txhub.rollup.refresh import Span
from txhub.rollup.refresh import refresh as refresh_spans
from txhub.rollup.states import read_rollups
from txhub.store.pool import open_pool

app = typer.Typer(help="Rollups: list them, refresh them.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_(home: wiring.HomeOption = None) -> None:
    """Show every rollup: bucket, lag, what its policy covers, watermark, last and next run, errors."""
    with wiring.database(wiring.settings_of(home=home)) as url:

        async def show() -> None:
            async with open_pool(url, name="rollup", size=1) as pool:
                table = plain_table(
                    "rollup", "bucket", "lag", "covers", "every", "watermark", "last run", "next run", "errors"
                )
                for state in await read_rollups(pool):
                    rollup = state.rollup
                    spans = (rollup.bucket, rollup.lag, rollup.look_back, rollup.every)
                    last = f"{_time(state.last_run)} {state.last_status or ''}".strip()
                    errors = f"{state.failures}: {state.last_error}" if state.failures else "none"
                    watermark, following = _time(state.watermark), _time(state.next_run)
                    table.add_row(rollup.name, *map(_span, spans), watermark, last, following, errors)
                out.print(table)

        wiring.run(show())


@app.command()
def refresh(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="From this time, UTC.")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="To this time, UTC.")],
    home: wiring.HomeOption = None,
) -> None:
    """Bring every rollup up to date over a range of time; the worker does so for whatever ingest commits."""
    if end <= start:
        raise UsageError("the end is not after the start", hint="give --start and --end in UTC")
    with wiring.database(wiring.settings_of(home=home)) as url:

        async def work() -> None:
            span = Span(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
            async with open_pool(url, name="rollup", size=1) as pool:
                await refresh_spans(pool, [span], datetime.now(UTC))

        wiring.run(work())
    err.print("refreshed")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _span(span: timedelta) -> str:
    days, rest = divmod(int(span.total_seconds()), 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    return " ".join(f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if count)
