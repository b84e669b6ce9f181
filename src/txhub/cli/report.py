"""`txhub report …`: what is known over a range of time, to keep and to hand on."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from txhub.api.formats import Answer, Format, encode
from txhub.cli import wiring
from txhub.query.exposure import ExposureAnswer, read_exposure
from txhub.query.exposure_page import page_of
from txhub.store.read import Reader

app = typer.Typer(help="Reports: exposure to watchlists.", no_args_is_help=True, add_completion=False)


@app.callback()
def _reports() -> None:
    """Reports over a range of time."""


class ReportFormat(StrEnum):
    """What `--format` takes."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"


@app.command()
def exposure(
    start: Annotated[str, typer.Option(metavar="TIME", help="The first moment, ISO 8601 or such as -30d.")] = "-30d",
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="The moment after the last. Default: now", show_default=False)
    ] = None,
    chain: Annotated[
        list[str], typer.Option(metavar="NAME", help="Only this chain; repeatable. Default: all", show_default=False)
    ] = [],  # noqa: B006 (typer's way)
    source: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="Only this watchlist; repeatable. Default: all", show_default=False),
    ] = [],  # noqa: B006
    screening: Annotated[
        int | None,
        typer.Option(metavar="ID", help="Only what this search of history found. Default: all", show_default=False),
    ] = None,
    wanted: Annotated[ReportFormat, typer.Option("--format", help="html, csv or json.")] = ReportFormat.HTML,
    limit: Annotated[int, typer.Option(min=0, max=100_000, help="Exposures that are listed; all are counted.")] = 1000,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it here. Default: standard output", show_default=False)
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Report which transactions have to do with watched addresses; HTML opens offline and prints well."""
    settings = wiring.settings_of(home=home)

    async def read(url: str) -> ExposureAnswer:
        async with Reader(url, size=1) as reader:
            return await read_exposure(
                reader,
                start=start,
                end=end,
                chain=chain,
                source=source,
                screening=None if screening is None else str(screening),
                limit=limit,
                now=datetime.now(UTC),
            )

    with wiring.readers_database(settings) as url:
        found = wiring.run(read(url))
    if found is None:
        raise typer.Exit(130)
    content = _written(found, wanted)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)


def _written(found: ExposureAnswer, wanted: ReportFormat) -> bytes:
    match wanted:
        case ReportFormat.HTML:
            return page_of(found.report).encode()
        case ReportFormat.CSV:
            return encode(Answer("exposure", found.rows, found.as_contract), Format.CSV)
        case ReportFormat.JSON:
            return msgspec.json.format(msgspec.json.encode(found.report)) + b"\n"
