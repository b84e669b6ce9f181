"""The command line: the only place that wires everything together."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from txhub import __version__
from txhub.cli import console
from txhub.errors import TxhubError


class _Origin(NamedTuple):
    """Where a command comes from: a function, or a whole group of commands, of a module beside this one."""

    module: str
    name: str
    hidden: bool = False


_COMMANDS = {
    "demo": _Origin("demo", "demo"),
    "up": _Origin("up", "up"),
    "ingest": _Origin("ingest", "ingest"),
    "backfill": _Origin("backfill", "backfill"),
    "gaps": _Origin("gaps", "app"),
    "unfollow": _Origin("gaps", "unfollow"),
    "serve": _Origin("serve", "serve"),
    "worker": _Origin("worker", "worker"),
    "node": _Origin("node", "node", hidden=True),
    "doctor": _Origin("doctor", "doctor"),
    "alive": _Origin("alive", "alive", hidden=True),
    "labels": _Origin("labels", "app"),
    "watchlist": _Origin("watchlist", "app"),
    "report": _Origin("report", "app"),
    "prices": _Origin("prices", "app"),
    "rules": _Origin("rules", "app"),
    "alerts": _Origin("alerts", "app"),
    "channels": _Origin("channels", "app"),
    "anomaly": _Origin("anomaly", "app"),
    "keys": _Origin("keys", "app"),
    "sql": _Origin("sql", "sql"),
    "db": _Origin("db", "app"),
    "rollup": _Origin("rollup", "app"),
    "policy": _Origin("policy", "app"),
    "archive": _Origin("archive", "app"),
    "bench": _Origin("bench", "app"),
}
"""In the order in which help lists them."""


class _Commands(TyperGroup):
    """Imports a command when it is asked for: each needs libraries that take seconds, and no two the same.

    Typer carries click inside it and keeps that private, so contexts and commands have no type's name here.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        origin = _COMMANDS.get(cmd_name)
        return _command(cmd_name, origin) if origin else None


def _command(name: str, origin: _Origin) -> Any:
    found: typer.Typer | Callable[..., Any] = getattr(import_module(f"txhub.cli.{origin.module}"), origin.name)
    if isinstance(found, typer.Typer):
        group = found
    else:
        group = typer.Typer(add_completion=False)
        group.command(name, hidden=origin.hidden)(found)
    command = typer.main.get_command(group)
    command.name = name
    return command


app = typer.Typer(
    cls=_Commands,
    name="txhub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    # Rows live in millions of tuples that never form cycles: looking for some took a sixth of an ingester's time.
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except TxhubError as error:
        console.show_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
