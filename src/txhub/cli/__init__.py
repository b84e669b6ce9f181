"""The command line: the only place that wires everything together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from txhub import __version__
from txhub.cli import backfill, bench, console, db, doctor, ingest, node, serve, up, worker
from txhub.errors import TxhubError

app = typer.Typer(
    name="txhub",
    help="Watch, query and understand blockchain transactions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(up.demo)
app.command("up")(up.up)
app.command("ingest")(ingest.ingest)
app.command("backfill")(backfill.backfill)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("node", hidden=True)(node.node)
app.command("doctor")(doctor.doctor)
app.add_typer(db.app, name="db")
app.add_typer(bench.app, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.out.print(f"txhub {__version__}")
        raise typer.Exit


@app.callback()
def _txhub(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Watch, query and understand blockchain transactions."""


def main() -> None:
    """Run `txhub`. Exit codes: 0 done, 2 wrong use or setting, 130 interrupted, else what the error says."""
    try:
        app()
    except TxhubError as error:
        console.show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
