"""`txhub watchlist …`: lists of addresses whose every move is screened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.detect.screening import Progress, request_search, screen_committed, search_history
from txhub.query.exposure import read_exposure
from txhub.query.timerange import parse_moment
from txhub.query.watchlist import read_versions, read_watched
from txhub.store import labels as store
from txhub.store import sanctions
from txhub.store.labels import OWN, Entry, Imported, Taken
from txhub.store.moves import Moves
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

Work = Callable[[Pool], Coroutine[Any, Any, None]]

app = typer.Typer(help="Lists of watched addresses: import, look, add, remove, screen.", no_args_is_help=True)
_SOURCE_OF_OFAC = "ofac-sdn"
_SHOWN = 20


@app.command("import")
def import_list(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="OFAC's sdn_enhanced.xml; CSV or JSON of labels; or plain lists by ticker, or their folder.",
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who keeps the list. Default: ofac-sdn for XML, else the file's name",
            show_default=False,
        ),
    ] = None,
    list_version: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What its keeper calls it. Default: its date, or by its content", show_default=False
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The chain of records of CSV or JSON that name none. Default: all", show_default=False
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="From when on it is in force. Default: the list's own date, or now", show_default=False
        ),
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Make a file the new version of a watchlist; history is then searched for the addresses that are new to it."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)
    now = datetime.now(UTC)
    given = parse_moment("--as-of", as_of, now) if as_of else None

    async def load(url: str) -> None:
        async with open_pool(url, name="watchlist", size=1) as pool:
            published = _published(path)
            if published is None:
                name = source or path.stem
                done = await store.import_list(
                    pool, path, source=name, version=list_version, chain=chain, as_of=given or now, watched=True
                )
                start = given or now
            else:
                name = source or (_SOURCE_OF_OFAC if path.suffix.lower() == ".xml" else path.stem)
                version = list_version or published.version or store.version_of(_files(path))
                start = given or published.as_of or now
                done = await store.import_entries(
                    pool, published.entries, Taken(name, version, start, watched=True), path.name
                )
        _tell(name, done, start, published.skipped if published else Counter())

    with wiring.database(settings) as url:
        wiring.run(load(url))


def _files(path: Path) -> list[Path]:
    return sanctions.files_by_ticker(path) if path.is_dir() else [path]


def _published(path: Path) -> sanctions.Published | None:
    """What a file of another format than labels' holds; None for one of labels."""
    if path.suffix.lower() == ".xml":
        return sanctions.read_ofac(path)
    if path.is_dir() or path.suffix.lower() == ".txt" or sanctions.is_plain(path):
        return sanctions.read_by_ticker(_files(path))
    return None


def _tell(name: str, done: Imported, start: datetime, skipped: Counter[str]) -> None:
    out.print(f"{name}: version {done.version}, {done.labels:,} addresses from {start.isoformat()} on", soft_wrap=True)
    if skipped:
        tickers = ", ".join(f"{count:,} of {ticker}" for ticker, count in sorted(skipped.items()))
        out.print(f"not watched, since txhub does not know their chains: {tickers}", soft_wrap=True)
    if done.change:
        out.print(f"{done.change.entered:,} were not watched before: the worker searches history for them")
        out.print(
            f"{done.change.ended:,} are not watched any more, which takes {done.change.taken_away:,} exposures away"
        )


@app.command("list")
def show_lists(
    addresses: Annotated[bool, typer.Option("--addresses", help="Show each address that is watched.")] = False,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only addresses of this list. Default: all", show_default=False)
    ] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Show the versions of each watchlist, and how far history was searched; or the addresses."""
    settings = wiring.settings_of(home=home)

    async def show(url: str) -> None:
        async with Reader(url, size=1) as reader:
            if addresses or source:
                await _show_addresses(reader, source)
            else:
                await _show_versions(reader)

    with wiring.database(settings) as url:
        wiring.run(show(url))


async def _show_versions(reader: Reader) -> None:
    table = plain_table("list", "version", "addresses", "in force from", "until", "history")
    for each in (await read_versions(reader)).as_contract().items:
        until = each.valid_to.isoformat() if each.valid_to else "now"
        if each.searched or not each.entered:
            history = f"searched: {each.newly_exposed:,} transactions newly exposed"
        else:
            history = (
                f"searched from {each.searched_from:%Y-%m-%d} on" if each.searched_from else "waits for the worker"
            )
        table.add_row(
            each.source, each.list_version, f"{each.addresses:,}", each.valid_from.isoformat(), until, history
        )
    out.print(table)


async def _show_addresses(reader: Reader, source: str | None) -> None:
    table = plain_table("id", "address", "chain", "name", "category", "list", "version")
    cursor: str | None = None
    while True:
        page = (await read_watched(reader, source=source, cursor=cursor, limit=1000)).as_contract()
        for each in page.items:
            table.add_row(
                *(str(each.id), each.address, each.chain or "every", each.name, each.category),
                *(each.source, each.list_version),
            )
        cursor = page.next
        if cursor is None:
            break
    out.print(table)


@app.command()
def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Who it is. Default: the address", show_default=False)
    ] = None,
    category: Annotated[str, typer.Option(metavar="WORD", help="What sort of party.")] = "watched",
    chain: Annotated[
        str | None, typer.Option(metavar="NAME", help="Watch it there. Default: on every chain", show_default=False)
    ] = None,
    source: Annotated[str, typer.Option(metavar="NAME", help="The list, which is kept by hand.")] = OWN,
    home: wiring.HomeOption = None,
) -> None:
    """Watch a single address from now on; history is searched for it too."""
    settings = wiring.settings_of(home=home)
    entry = Entry(address, name or address, category, chain=chain)

    async def put(pool: Pool) -> None:
        added = await store.add_entry(pool, entry, source=source, watched=True, now=datetime.now(UTC))
        out.print(f"{added.address} is watched: entry {added.id} of {added.source}", soft_wrap=True)

    with wiring.database(settings) as url:
        wiring.run(_with_pool(url, put))


@app.command()
def remove(
    key: Annotated[int, typer.Argument(metavar="ID", help="Of an entry, as `watchlist list --addresses` shows it.")],
    home: wiring.HomeOption = None,
) -> None:
    """Watch a single address no longer."""
    settings = wiring.settings_of(home=home)

    async def end(pool: Pool) -> None:
        change = await store.end_entry(pool, key, watched=True, now=datetime.now(UTC))
        taken_away = change.taken_away if change else 0
        out.print(f"entry {key} has ended, which takes {taken_away:,} exposures away")

    with wiring.database(settings) as url:
        wiring.run(_with_pool(url, end))


@app.command()
def screen(
    again: Annotated[
        bool, typer.Option("--again", help="Search history once more, for every address that is watched.")
    ] = False,
    home: wiring.HomeOption = None,
) -> None:
    """Search history for watched addresses here and now, as the worker does, and show what is newly exposed."""
    settings = wiring.settings_of(home=home)

    async def search(pool: Pool, url: str) -> None:
        if again:
            await request_search(pool)
        moves = Moves(pool, Place(settings.archive_address))
        while await screen_committed(pool, moves):
            pass
        first: int | None = None
        while (progress := await search_history(pool, moves)) is not None:
            first = first or progress.id
            if progress.finished:
                await _tell_found(url, progress)
            elif progress.reached:
                err.print(f"{progress.source}: searched from {progress.reached:%Y-%m-%d} on")
        if first is None:
            out.print("history is searched for every address that is watched")

    async def run(url: str) -> None:
        async with open_pool(url, name="watchlist", size=3) as pool:
            await search(pool, url)

    with wiring.database(settings) as url:
        wiring.run(run(url))


async def _tell_found(url: str, progress: Progress) -> None:
    async with Reader(url, size=1) as reader:
        now = datetime.now(UTC)
        found = await read_exposure(reader, start="1970-01-01", screening=str(progress.id), limit=_SHOWN, now=now)
    report = found.report
    out.print(
        f"{progress.source} {progress.list_version}: {report.total.transactions:,} past transactions are newly exposed,"
        f" {report.total.direct:,} of them directly",
        soft_wrap=True,
    )
    table = plain_table("time", "chain", "transaction", "path", "name", "listed then")
    for each in report.items:
        table.add_row(
            *(each.block_time.isoformat(), each.chain, each.hash, " > ".join(each.path), each.name),
            each.listed_then or "no",
        )
    if report.items:
        out.print(table)
    if report.left_out:
        out.print(
            f"and {report.left_out:,} more: `txhub report exposure --start 1970-01-01 --screening {progress.id}`",
            soft_wrap=True,
        )


async def _with_pool(url: str, work: Work) -> None:
    async with open_pool(url, name="watchlist", size=1) as pool:
        await work(pool)
