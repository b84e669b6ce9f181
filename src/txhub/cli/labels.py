"""`txhub labels …`: lists of addresses that are known to be somebody's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from txhub.cli import wiring
from txhub.cli.console import out, plain_table
from txhub.cli.logs import configure_logs
from txhub.query.timerange import parse_moment
from txhub.store import labels as store
from txhub.store.pool import open_pool

app = typer.Typer(help="Lists of labelled addresses: import and look.", no_args_is_help=True, add_completion=False)


@app.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, a JSON list, or JSON lines.")],
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who keeps the list. Default: the file's name", show_default=False),
    ] = None,
    list_version: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What its keeper calls it. Default: by its content", show_default=False),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The chain of records that name none. Default: every chain", show_default=False
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="From when on it is in force. Default: now", show_default=False)
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Make a file the new version of its source's list; what was in force until then ends there."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    now = datetime.now(UTC)
    start = parse_moment("--as-of", as_of, now) if as_of else now
    name = source or file.stem

    async def load(url: str) -> None:
        async with open_pool(url, name="labels", size=1) as pool:
            done = await store.import_list(pool, file, source=name, version=list_version, chain=chain, as_of=start)
        out.print(f"{name}: version {done.version}, {done.labels:,} labels from {start.isoformat()} on", soft_wrap=True)
        if done.ended:
            out.print(f"{done.ended:,} labels of the version before end there")

    with wiring.database(settings) as url:
        wiring.run(load(url))


@app.command("list")
def show_lists(
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this source's. Default: all", show_default=False)
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Show the versions of each list, and when they were in force."""
    settings = wiring.settings_of(home=home)

    async def show(url: str) -> None:
        async with open_pool(url, name="labels", size=1) as pool:
            lists = await store.read_lists(pool, source)
        table = plain_table("source", "version", "labels", "in force from", "until")
        for each in lists:
            until = each.valid_to.isoformat() if each.valid_to else "now"
            table.add_row(each.source, each.version, f"{each.labels:,}", each.valid_from.isoformat(), until)
        out.print(table)

    with wiring.database(settings) as url:
        wiring.run(show(url))
