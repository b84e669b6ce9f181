"""`txhub archive …`: raw rows as verified Parquet files, and what of them the database still has."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from txhub.archive import export as exporting
from txhub.archive import query as querying
from txhub.archive import restore as restoring
from txhub.archive import retention
from txhub.archive import verify as verifying
from txhub.archive.manifest import Entry, read_entries
from txhub.archive.partition import RAW
from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.cli.progress import showing
from txhub.config import Settings
from txhub.errors import ArchiveMismatch, UsageError
from txhub.rollup.settle import settle
from txhub.store.horizon import read_horizon
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool

app = typer.Typer(help="The archive: raw rows as verified Parquet files.", no_args_is_help=True, add_completion=False)

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="The first day, UTC. Default: the oldest", show_default=False),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="The last day, UTC. Default: the newest", show_default=False)
]


def place_of(settings: Settings) -> Place:
    """Where the settings say that the archive is.

    Raises:
        SettingError: it cannot be used.
    """
    return Place(settings.archive_address)


@app.command("list")
def list_(first: FromOption = None, last: ToOption = None, home: wiring.HomeOption = None) -> None:
    """Show what the archive holds, day by day, and where the raw rows begin."""

    async def show(pool: Pool, settings: Settings) -> None:
        table = plain_table("day", "chain", "table", "rows", "size", "verified", "raw rows")
        entries = await read_entries(pool, _day(first), _day(last))
        for entry in entries:
            if entry.rows:
                counts = (f"{entry.rows:,}", f"{entry.size / 1e6:,.2f} MB")
                verified = f"{entry.verified_at:%Y-%m-%d}" if entry.verified_at else "no"
                table.add_row(f"{entry.day}", entry.chain, entry.table, *counts, verified, _raw(entry))
        out.print(table)
        horizon = await read_horizon(pool)
        begin = f"raw rows before {horizon:%Y-%m-%d} are dropped" if horizon else "no raw rows are dropped"
        files = [entry.size for entry in entries if entry.rows]
        held = f"{len(files):,} files, {sum(files) / 1e6:,.1f} MB in {place_of(settings).shown}"
        out.print(f"{held}; {begin}", soft_wrap=True)

    _run(show, home)


@app.command()
def export(first: FromOption = None, last: ToOption = None, home: wiring.HomeOption = None) -> None:
    """Write every day that is whole and final, and not in the archive as it stands, to Parquet files."""

    async def work(url: str, pool: Pool, settings: Settings) -> None:
        place, since, until = place_of(settings), _day(first), _day(last)
        now, days = datetime.now(UTC), await exporting.days_with_rows(pool, since, until)
        order, done = [(each.day, each.chain) for each in days], 0
        with showing("days", len(days)) as advance:
            async for day, exported, reason, _ in exporting.export(pool, url, place, first=since, last=until, now=now):
                before, done = done, bisect_right(order, (day.day, day.chain))  # with those that needed nothing
                advance(done - before)
                if reason:
                    err.print(f"{day.day} of {day.chain} is left: {reason}", soft_wrap=True)
                    continue
                rows, size = (sum(each) for each in zip(*((e.totals.rows, e.size) for e in exported), strict=True))
                out.print(f"{day.day} of {day.chain}: {rows:,} rows, {size / 1e6:,.2f} MB", soft_wrap=True)
            advance(len(days) - done)

    _run_with_url(work, home)


@app.command()
def verify(first: FromOption = None, last: ToOption = None, home: wiring.HomeOption = None) -> None:
    """Read the files again, and compare them with the manifest and the database."""

    async def work(pool: Pool, settings: Settings) -> None:
        sound, faults = 0, 0
        place, since, until = place_of(settings), _day(first), _day(last)
        entries = await read_entries(pool, since, until)
        with showing("rows", sum(entry.rows for entry in entries)) as advance:
            async for entry, fault in verifying.verify(pool, place, first=since, last=until):
                advance(entry.rows)
                sound += fault is None
                faults += fault is not None
                if fault:
                    out.print(f"{entry.day} of {entry.chain}, {entry.table}: {fault}", soft_wrap=True)
        out.print(f"{sound:,} partitions are sound")
        if faults:
            raise ArchiveMismatch(
                f"{faults:,} partitions are not what they should be",
                hint="while the database has their rows, `txhub archive export` writes them anew",
            )

    _run(work, home)


@app.command()
def drop(
    before: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Keep this day and later ones. Default: by `retention`", show_default=False),
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Drop raw rows of days that are archived and verified, those of all chains; rollups and the ledger stay."""

    async def work(pool: Pool, settings: Settings) -> None:
        now = datetime.now(UTC)
        first_kept = _day(before)
        if first_kept is None:
            if settings.retention is None:
                raise UsageError("nothing says which days are old enough", hint="add --before DAY, or set `retention`")
            first_kept = (now - settings.retention).date()
        days, stays = await retention.drop(
            pool, place_of(settings), before=first_kept, now=now, settle=settle, restored_too=True
        )
        out.print(f"dropped: {', '.join(map(str, days)) or 'nothing'}", soft_wrap=True)
        if stays:
            err.print(f"the next day stays: {stays}", soft_wrap=True)

    _run(work, home)


@app.command()
def restore(first: FromOption = None, last: ToOption = None, home: wiring.HomeOption = None) -> None:
    """Bring dropped days back into the database, newest first, each wholly or not at all."""

    async def work(pool: Pool, settings: Settings) -> None:
        place, since, until = place_of(settings), _day(first), _day(last)
        gone = [entry.rows for entry in await read_entries(pool, since, until) if entry.gone and entry.table in RAW]
        with showing("rows", sum(gone)) as advance:
            async for day, rows in restoring.restore(pool, place, first=since, last=until):
                advance(rows)
                out.print(f"{day}: {rows:,} rows are back")
        horizon = await read_horizon(pool)
        out.print(f"raw rows before {horizon:%Y-%m-%d} are dropped" if horizon else "no raw rows are dropped")

    _run(work, home)


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT over transactions, token_transfers, utxo_io, blocks.")
    ],
    first: FromOption = None,
    last: ToOption = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write CSV to this file.", show_default=False)
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Ask the files themselves, in Polars' SQL; nothing is changed."""

    async def work(pool: Pool, settings: Settings) -> None:
        entries = await read_entries(pool, _day(first), _day(last))
        answer = querying.query(place_of(settings), entries, sql)
        if csv:
            answer.write_csv(csv)
            return
        with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=100, tbl_hide_dataframe_shape=True):
            out.print(str(answer), soft_wrap=True, markup=False)

    _run(work, home)


def _run(work: Callable[[Pool, Settings], Awaitable[None]], home: Path | None) -> None:
    async def without_url(_: str, pool: Pool, settings: Settings) -> None:
        await work(pool, settings)

    _run_with_url(without_url, home)


def _run_with_url(work: Callable[[str, Pool, Settings], Awaitable[None]], home: Path | None) -> None:
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    with wiring.database(settings) as url:

        async def connected() -> None:
            async with open_pool(url, name="archive", size=3) as pool:
                await work(url, pool, settings)

        wiring.run(connected())


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day", hint="write it as 2026-03-01") from None


def _raw(entry: Entry) -> str:
    if entry.gone and entry.table != "blocks":
        return "dropped"
    return "restored" if entry.restored_at and entry.table != "blocks" else "here"
