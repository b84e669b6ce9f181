"""`txhub db …`: the database and its server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress
from sqlalchemy import make_url

from txhub.cli import wiring
from txhub.cli.backup import backup, restore
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.errors import TxhubError, UsageError
from txhub.rollup.policies import apply_policies
from txhub.rollup.refresh import Span, refresh
from txhub.store.analyst import ANALYST
from txhub.store.copy import Copied, copy_database
from txhub.store.edition import Edition
from txhub.store.migrate import migrate as migrate_schema
from txhub.store.migrate import state
from txhub.store.pool import open_pool
from txhub.store.server import open_server, psql_program, server_status, stop_server

app = typer.Typer(help="The database: migrate it, look at it, stop it.", no_args_is_help=True, add_completion=False)

app.command()(backup)
app.command()(restore)

FIRST_BLOCK_EVER = datetime(2009, 1, 3, tzinfo=UTC)
"""Bitcoin's; no chain is older."""
_EDITION_SAYS = {
    Edition.TIMESCALE: "hypertables, columnstore and continuous aggregates by TimescaleDB",
    Edition.PLAIN: "native partitions and rollups kept by each commit; no columnstore",
}


@app.command()
def migrate(home: wiring.HomeOption = None) -> None:
    """Bring the database to this release's schema, and its policies to the settings."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    with open_server(settings) as server:
        reached, reason = migrate_schema(server.url)

        async def policies() -> None:
            async with open_pool(server.url, name="migrate", size=1) as pool:
                await apply_policies(
                    pool, chunk_interval=settings.chunk_interval, compress_after=settings.compress_after
                )

        wiring.run(policies())
    out.print(f"revision {reached.revision}, edition {reached.edition} ({reason})")


@app.command()
def status(home: wiring.HomeOption = None) -> None:
    """Say where the database is, whether it runs, and what edition and revision it is."""
    settings = wiring.settings_of(home=home)
    found = server_status(settings)
    table = plain_table(show_header=False)
    table.add_row("server", "embedded" if found.private else "given by TXHUB_DATABASE_URL")
    if found.private:
        table.add_row("running", f"yes, pid {found.pid}, port {found.port}" if found.running else "no")
        table.add_row("data", str(found.data or "none yet"))
        table.add_row("installation", str(found.installation or "none chosen yet"))
        if found.size is not None:
            table.add_row("size", f"{found.size / 1e6:,.1f} MB")
    if found.running is not False:
        with open_server(settings) as server:
            schema = state(server.url)
        table.add_row("edition", f"{schema.edition}: {_EDITION_SAYS[schema.edition]}" if schema.edition else "none yet")
        table.add_row("revision", f"{schema.revision or 'none'} (this release: {schema.wanted})")
    out.print(table)


@app.command()
def url(home: wiring.HomeOption = None) -> None:
    """Print the database's URL, password included, for other tools; starts the embedded server."""
    with wiring.database(wiring.settings_of(home=home), stays=True) as address:
        print(address)  # noqa: T201 (no wrapping, no colours)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(
    context: typer.Context,
    home: wiring.HomeOption = None,
    analyst: Annotated[bool, typer.Option("--analyst", help=f"As role {ANALYST}, which can only read.")] = False,
) -> None:
    """Open psql on the database; arguments after `--` are psql's."""
    settings = wiring.settings_of(home=home)
    with wiring.database(settings, stays=True) as address, open_server(settings) as server:
        environment = wiring.libpq_environment(address)
        if analyst and server.analyst_url:
            environment = wiring.libpq_environment(server.analyst_url)
        elif analyst:
            environment["PGOPTIONS"] = f"-c role={ANALYST} -c default_transaction_read_only=on"
        code = subprocess.run([psql_program(settings), *context.args], env=environment, check=False).returncode
    sys.exit(code)


@app.command()
def stop(
    home: wiring.HomeOption = None,
    force: Annotated[bool, typer.Option(help="Stop it even if other txhub commands use it.")] = False,
) -> None:
    """Stop the embedded server."""
    settings = wiring.settings_of(home=home)
    try:
        stopped = stop_server(settings, force=force)
    except TxhubError as error:
        error.hint = error.hint or "stop those commands first, or add --force"
        raise
    err.print("stopped" if stopped else "it was not running")


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The database to copy into; it is migrated first.")],
    home: wiring.HomeOption = None,
) -> None:
    """Copy this database into another, such as an embedded one into a TimescaleDB server; run it again to go on.

    Each day of a chain is verified by counts, sums and hashes before it counts. Stop ingest meanwhile.
    """
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    with wiring.database(settings) as origin:
        if make_url(to).set(password=None) == make_url(origin).set(password=None):
            raise UsageError("that is the database itself", hint="give --to another one")
        migrate_schema(to)
        bar = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=err)
        with bar:
            task = bar.add_task("transactions", total=None)
            done = wiring.run(_copy(origin, to, lambda done, of: bar.update(task, completed=done, total=of)))
    if done is not None:
        out.print(f"copied {done.days:,} days of chains: {done.blocks:,} blocks, {done.transactions:,} transactions")


async def _copy(origin: str, to: str, report: Callable[[int, int], None]) -> Copied:
    async with open_pool(origin, name="copy", size=2) as source, open_pool(to, name="copy", size=2) as target:
        copied = await copy_database(source, target, report)
        await refresh(target, [Span(FIRST_BLOCK_EVER, datetime.now(UTC))], datetime.now(UTC))
    return copied
