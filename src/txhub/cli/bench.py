"""`txhub bench …`: figures, with the machine they come from and their spread."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from txhub.cli.bench_all import everything
from txhub.cli.bench_api import api
from txhub.cli.bench_code import code
from txhub.cli.bench_detect import detect
from txhub.cli.bench_freshness import freshness
from txhub.cli.bench_ingest import ingest
from txhub.cli.bench_load import load
from txhub.cli.bench_memory import memory
from txhub.cli.bench_peers import peers
from txhub.cli.bench_soak import soak
from txhub.cli.bench_store import store
from txhub.cli.bench_tables import write_tables

app = typer.Typer(help="Measure txhub on this machine.", no_args_is_help=True, add_completion=False)


@app.callback()
def _bench(
    context: typer.Context,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the tables that are shown there, for programs.")
    ] = None,
) -> None:
    """Measure txhub on this machine."""
    if as_json is not None:
        context.call_on_close(lambda: write_tables(as_json))


app.command()(ingest)
app.command()(store)
app.command()(api)
app.command()(load)
app.command()(memory)
app.command()(peers)
app.command()(freshness)
app.command()(detect)
app.command()(code)
app.command()(soak)
app.command("all")(everything)
