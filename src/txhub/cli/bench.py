"""`txhub bench …`: figures, with the machine they come from and their spread."""

from __future__ import annotations

import typer

from txhub.cli.bench_all import everything
from txhub.cli.bench_api import api
from txhub.cli.bench_detect import detect
from txhub.cli.bench_freshness import freshness
from txhub.cli.bench_ingest import ingest
from txhub.cli.bench_load import load
from txhub.cli.bench_peers import peers
from txhub.cli.bench_soak import soak
from txhub.cli.bench_store import store

app = typer.Typer(help="Measure txhub on this machine.", no_args_is_help=True, add_completion=False)


@app.callback()
def _bench() -> None:
    """Measure txhub on this machine."""


app.command()(ingest)
app.command()(store)
app.command()(api)
app.command()(load)
app.command()(peers)
app.command()(freshness)
app.command()(detect)
app.command()(soak)
app.command("all")(everything)
