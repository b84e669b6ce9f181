"""`txhub gaps …`: what is missing of the chains that are followed, and filling it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from txhub.chain.registry import open_source
from txhub.cli import wiring
from txhub.cli.backfill import showing
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.errors import Incomplete, TxhubError
from txhub.ingest.gaps import Gap, fill, promised, read_gaps
from txhub.ingest.gaps import unfollow as release
from txhub.ingest.keep import keeping
from txhub.model import Chain
from txhub.rollup.refresh import catch_up
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

app = typer.Typer(help="Blocks that are missing: list them, fill them.", no_args_is_help=True, add_completion=False)

ChainOption = Annotated[
    str | None, typer.Option("--chain", metavar="NAME", help="Only this chain's. Default: all", show_default=False)
]


@app.command("list")
def list_(chain: ChainOption = None, home: wiring.HomeOption = None) -> None:
    """Show every gap from the first block that is promised to the newest, and why a block of it was refused."""

    async def show(url: str) -> None:
        async with open_pool(url, name="gaps", size=1) as pool:
            gaps = await read_gaps(pool, chain)
        if not gaps:
            err.print("nothing is missing")
            return
        table = plain_table("chain", "from", "to", "blocks", "since", "last refused because")
        for gap in gaps:
            since = f"{gap.since:%Y-%m-%d %H:%M:%S}" if gap.since else "the beginning"
            table.add_row(gap.chain, str(gap.first), str(gap.last), f"{_size(gap):,}", since, gap.reason or "")
        out.print(table)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(show(url))


@app.command()
def repair(chain: ChainOption = None, rpc: wiring.RpcOption = [], home: wiring.HomeOption = None) -> None:  # noqa: B006
    """Fill the gaps; exit code 1 says that something is still missing, and the message why."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    with wiring.database(settings) as url:
        names = [chain] if chain else wiring.run(_incomplete(url))
        if names is None:
            raise KeyboardInterrupt
        if not names:
            err.print("nothing is missing")
            return
        chains = wiring.chains_of(names, rpc, settings)
        if wiring.run(_repair_all(url, settings, chains)) is None:
            raise KeyboardInterrupt


def unfollow(
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="Name of the chain.")], home: wiring.HomeOption = None
) -> None:
    """Stop expecting blocks of a chain that is no longer followed: what is missing of it stays missing.

    Its rows stay, and so do its answers. Health, gap repair and retention wait for it no more.
    """

    async def stop(url: str) -> None:
        async with open_pool(url, name="gaps", size=1) as pool:
            await release(pool, chain)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(stop(url))
    err.print(f"{chain} is not expected to grow any more; `txhub ingest --chain {chain}` follows it again")


async def _incomplete(url: str) -> list[str]:
    async with open_pool(url, name="gaps", size=1) as pool:
        return sorted({gap.chain for gap in await read_gaps(pool)})


async def _repair_all(url: str, settings: Settings, chains: list[Chain]) -> bool:
    """Fill the gaps of chains, one after the other.

    Raises:
        Incomplete: something is still missing; says how much, and why.
    """
    reasons: list[str] = []
    async with open_pool(url, name="gaps") as pool:
        for chain in chains:
            try:
                reasons += await _repair(pool, settings, chain)
            except TxhubError as failure:
                reasons.append(str(failure))
        while await catch_up(pool, datetime.now(UTC)):
            pass
        missing = sum([_size(gap) for chain in chains for gap in await read_gaps(pool, chain.name)])
    if missing or reasons:
        why = f", because: {reasons[0]}" if reasons else ""
        raise Incomplete(f"{missing:,} blocks are still missing{why}", hint="try again later, or with another --rpc")
    return True


async def _repair(pool: Pool, settings: Settings, chain: Chain) -> list[str]:
    """Fill the gaps of a chain; why blocks of it were refused."""
    source = keeping(open_source(chain))
    try:
        await source.check()
        numbers = await promised(pool, chain)
        with showing(chain.name, len(numbers)) as report:
            done = await fill(
                source,
                Ledger(pool, chain),
                numbers,
                request_blocks=settings.request_blocks,
                parallel_requests=settings.parallel_requests,
                report=report,
            )
    finally:
        await source.close()
    out.print(f"{chain.name}: {done.blocks:,} blocks with {done.transactions:,} transactions added")
    return [str(refusal) for refusal in done.refused]


def _size(gap: Gap) -> int:
    return gap.last - gap.first + 1
