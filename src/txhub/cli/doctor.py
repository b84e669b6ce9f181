"""`txhub doctor`: looks at each part of the way from the node to the reader, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from txhub import __version__
from txhub.cli import wiring
from txhub.cli.console import out
from txhub.config import SETTINGS_FILE, Settings
from txhub.errors import TxhubError
from txhub.ops.doctor import Check, check_database, check_disks, check_nodes, check_schema, check_settings, wrong
from txhub.store.server import open_server


def doctor(
    chain: wiring.ChainOption = [],  # noqa: B006 (typer's way)
    rpc: wiring.RpcOption = [],  # noqa: B006
    home: wiring.HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON, for programs.")] = False,
) -> None:
    """Check settings, disk, database, policies, clock, services, keys, archive and chains, and with --chain its nodes.

    Exit code 1 if something is wrong.
    """
    settings = wiring.settings_of(home=home)
    checks = [check_settings(settings, SETTINGS_FILE), check_disks(settings), *_database(settings)]
    if chain or rpc or settings.chains:
        checks += wiring.run(check_nodes(wiring.chains_of(chain, rpc, settings))) or []
    if as_json:
        print(json.dumps({"version": __version__, "checks": [asdict(check) for check in checks]}, indent=2))  # noqa: T201
    else:
        _show(checks)
    if any(check.verdict == "wrong" for check in checks):
        raise typer.Exit(1)


def _show(checks: list[Check]) -> None:
    out.print(f"txhub {__version__}")
    for check in checks:
        mark = "[green]ok   [/]" if check.verdict == "ok" else "[red]wrong[/]"
        out.print(f"{mark} {check.what}: {escape(check.says)}", soft_wrap=True)
        if check.hint:
            out.print(f"      [dim]{escape(check.hint)}[/]", soft_wrap=True)


def _database(settings: Settings) -> Iterator[Check]:
    try:
        with open_server(settings) as server:
            place = "embedded" if server.private else "given by TXHUB_DATABASE_URL"
            yield Check("database", "ok", f"answers ({place})")
            checks, usable = check_schema(server.url)
            yield from checks
            if usable:
                yield from wiring.run(check_database(server.url, settings, datetime.now(UTC))) or []
    except TxhubError as error:
        yield wrong("database", error)
