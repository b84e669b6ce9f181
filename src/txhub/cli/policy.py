"""`txhub policy …`: chunks and columnstore, table by table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, get_args

import typer

from txhub.cli import wiring
from txhub.cli.console import out, plain_table
from txhub.config import parse_span
from txhub.errors import UsageError
from txhub.rollup.policies import Policy, apply_policies, choose_policy
from txhub.rollup.states import read_hypertables
from txhub.store.faults import translated
from txhub.store.horizon import read_horizon
from txhub.store.pool import open_pool

app = typer.Typer(help="Policies: chunks and columnstore of each table.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_(home: wiring.HomeOption = None) -> None:
    """Show each table's chunks, its policies, its size, what the columnstore saved, and how long raw rows stay."""
    settings = wiring.settings_of(home=home)
    with wiring.database(settings) as url:

        async def show() -> None:
            async with open_pool(url, name="policy", size=1) as pool:
                table = plain_table(
                    "table", "chunk", "to columnstore after", "chunks", "in columnstore", "size", "saved"
                )
                for state in await read_hypertables(pool):
                    saved = "" if state.saved_bytes is None else f"{state.saved_bytes / 1e6:,.1f} MB"
                    counts = (f"{state.chunks}", f"{state.columnstore_chunks}", f"{state.bytes / 1e6:,.1f} MB")
                    after = state.compress_after
                    table.add_row(state.name, str(state.chunk_interval), str(after or "no columnstore"), *counts, saved)
                out.print(table)
                with translated():
                    out.print(_retention(settings.retention, await read_horizon(pool)))

        wiring.run(show())


def _retention(age: timedelta | None, horizon: datetime | None) -> str:
    """How long raw rows of all tables stay, by the settings, and from when on they are there."""
    rule = "raw rows are never dropped" if age is None else f"raw rows are dropped after {age}, once they are archived"
    return f"{rule}; " + ("none is gone" if horizon is None else f"those before {horizon:%Y-%m-%d %H:%M} UTC are gone")


@app.command("set")
def set_(
    table: Annotated[str, typer.Argument(help="transactions, token_transfers or utxo_io.")],
    policy: Annotated[str, typer.Argument(help="chunk_interval or compress_after.")],
    span: Annotated[str, typer.Argument(help="A span such as 6h or 2d.")],
    home: wiring.HomeOption = None,
) -> None:
    """Decide a policy of one table; it comes before what the settings say for all."""
    settings = wiring.settings_of(home=home)
    if policy not in get_args(Policy):
        raise UsageError(f"{policy!r} is no policy", hint=f"one of {', '.join(get_args(Policy))}")
    try:
        chosen = parse_span(span)
    except ValueError as fault:
        raise UsageError(f"{span!r} is no span of time: {fault}") from None
    with wiring.database(settings) as url:

        async def work() -> None:
            async with open_pool(url, name="policy", size=1) as pool:
                await choose_policy(pool, table, policy, chosen)  # type: ignore[arg-type]  # looked at above
                await apply_policies(
                    pool, chunk_interval=settings.chunk_interval, compress_after=settings.compress_after
                )

        wiring.run(work())
    out.print(f"{policy} of {table} is {span}")
