"""`txhub backfill`: load a past range of one chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from txhub.chain.registry import open_source
from txhub.chain.source import Source
from txhub.cli import wiring
from txhub.cli.console import err, out
from txhub.cli.logs import configure_logs
from txhub.config import Settings
from txhub.errors import BadBlock, UsageError
from txhub.ingest import backfill as stage
from txhub.ingest.gaps import fill
from txhub.ingest.keep import keeping
from txhub.model import Chain
from txhub.rollup.refresh import catch_up
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

Limit = int | datetime
"""Where a range begins or ends: a block's number, or a time, which stands for the first block at or after it."""


def backfill(
    chain: Annotated[str, typer.Option("--chain", metavar="NAME", help="The chain to load.")],
    first: Annotated[str, typer.Option("--from", metavar="BLOCK|DATE", help="First block: number or UTC date.")],
    last: Annotated[str, typer.Option("--to", metavar="BLOCK|DATE", help="Last block, or the date to stop before.")],
    rpc: wiring.RpcOption = [],  # noqa: B006 (typer's way)
    home: wiring.HomeOption = None,
) -> None:
    """Load a past range of a chain: what the ledger already holds is left alone, so run it again at any time.

    A node or a database that is lost meanwhile is waited for; after five minutes without progress it gives up.
    """
    start, stop = _range(first, last)
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    [followed] = wiring.chains_of([chain], rpc, settings)
    with wiring.database(settings) as url:
        refused = wiring.run(load(url, settings, followed, start, stop))
        if refused is None:
            raise KeyboardInterrupt
        if refused:
            raise BadBlock(
                f"{len(refused)} blocks were refused, the first because: {refused[0]}",
                hint="the rest is committed; run the same command again to retry these",
            )


async def load(url: str, settings: Settings, chain: Chain, start: Limit, stop: Limit) -> list[BadBlock]:
    """Load a range with a progress bar, and make it visible in the rollups; what was refused is returned.

    `stop` is the block, or the time, before which the range ends.

    Raises:
        UsageError: the chain has no block in the range.
    """
    source = keeping(open_source(chain))
    try:
        async with open_pool(url, name="backfill") as pool:
            await source.check()
            first, end = await _number(source, start), await _number(source, stop)
            if end <= first:
                raise UsageError(
                    f"{chain.name} has no block in this range: it would begin at {first:,}, and end before {end:,}",
                    hint="give the older one to --from, and a later one to --to",
                )
            ledger = Ledger(pool, chain)
            await ledger.register()
            with showing(chain.name, end - first) as report:
                done = await fill(
                    source,
                    ledger,
                    range(first, end),
                    request_blocks=settings.request_blocks,
                    parallel_requests=settings.parallel_requests,
                    report=report,
                )
            while await catch_up(pool, datetime.now(UTC)):
                pass
    finally:
        await source.close()
    out.print(f"{chain.name}: {done.blocks:,} blocks with {done.transactions:,} transactions added")
    return done.refused


@contextmanager
def showing(name: str, blocks: int) -> Iterator[Callable[[stage.Progress], None]]:
    """A progress bar for as many blocks, with rate and time left: what to call with each progress."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("blocks"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(name, total=blocks, rate="")

        def report(progress: stage.Progress) -> None:
            seconds = bar.tasks[task].elapsed or 0.0
            rate = f"{progress.transactions / seconds:,.0f} tx/s" if seconds > 1 else ""
            bar.update(task, completed=progress.done - len(progress.refused), rate=rate)

        yield report


def _range(first: str, last: str) -> tuple[Limit, Limit]:
    """Where `--from` begins and before which block or time `--to` ends, before anything is opened.

    Raises:
        UsageError: one of them is neither a number nor a date, or nothing lies between them.
    """
    start, stop = _limit(first, "--from"), _limit(last, "--to")
    if isinstance(stop, int):
        stop += 1
    if (isinstance(start, int) and isinstance(stop, int) and stop <= start) or (
        isinstance(start, datetime) and isinstance(stop, datetime) and stop <= start
    ):
        raise UsageError(
            f"nothing lies between --from {first} and --to {last}",
            hint="give the older one to --from; a block of --to is loaded too, a date of --to is not",
        )
    return start, stop


def _limit(text: str, option: str) -> Limit:
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} is {text!r}: a block number or a date is expected",
            hint="for example 18090205 or 2023-09-08T07:27",
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


async def _number(source: Source, limit: Limit) -> int:
    return limit if isinstance(limit, int) else await source.number_at(limit)
