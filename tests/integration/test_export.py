"""Exports: whole, equal to the pages in every format, and in as much memory as one page takes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from tests.archived import NOW, archive_all, commit, drop_all, three_days
from tests.asking import asking
from tests.blocks import ETHEREUM
from tests.sample import NOW as SAMPLE_NOW
from tests.sample import ROWS
from txhub.api import export
from txhub.api.export import Exports
from txhub.api.formats import FILES, MEDIA_TYPES, Format
from txhub.client import ApiError, AsyncClient
from txhub.errors import ArchiveUnavailable
from txhub.query import transactions
from txhub.query.transactions import expected, read_every_page
from txhub.store.coldread import ColdReader
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.place import Place
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader

COLD = ColdReader(Place("memory://nothing"))
MANY = 200_000
GROWTH = 48 << 20
"""Bytes that an export of many rows may grow the process by after its first parts; all its rows take far more."""


def read(name: str, content: bytes) -> pl.DataFrame:
    if name == "csv":
        return pl.read_csv(content, infer_schema=False)
    return pl.read_ipc_stream(content) if name == "arrow" else pl.read_parquet(io.BytesIO(content))


async def whole(api: AsyncClient, **asked: Any) -> pl.DataFrame:
    """The pages, put together."""
    frames = [await api.transactions_frame(limit=1000, **asked)]
    while cursor := (await api.transactions(limit=1000, **asked)).next:
        asked["cursor"] = cursor
        frames.append(await api.transactions_frame(limit=1000, **asked))
    return pl.concat(frames)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"chain": "bitcoin"},
        {"kind": "transfer", "min_value": "0.5"},
        {"chain": "base", "block": 7},
        {"start": "2030-01-01"},
    ],
    ids=str,
)
async def test_a_file_has_what_the_pages_have(
    sample: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transactions, "EXPORTED_ROWS", 500)
    async with asking(sample, SAMPLE_NOW) as http:
        client = AsyncClient("http://127.0.0.1")
        client._http = http
        pages = await whole(client, **asked)
        for name in FILES:
            answer = await http.get("/v1/transactions/export", params={**asked, "format": name})
            assert answer.headers["content-type"].startswith(MEDIA_TYPES[name])
            found = read(name, answer.content)
            as_text = pages.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.fZ").encode()
            wanted = read("csv", as_text) if name is Format.CSV else pages
            assert found.equals(wanted), name
            known = not {"min_value", "block"} & asked.keys()
            assert answer.headers.get("txhub-expected-rows") == (str(pages.height) if known else None)
        await client.export(tmp_path / "all.arrow", file_format="arrow", **asked)
        assert pl.read_ipc_stream(tmp_path / "all.arrow").equals(pages)
        assert names_in(tmp_path) == ["all.arrow"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        ("2026-03-01T22:00:00Z", "2026-03-02T00:00:00Z"),
        ("2026-03-01T22:31:07Z", "2026-03-01T23:40:51Z"),
        ("2026-03-01T22:31:07Z", "2026-03-01T22:31:45Z"),
        ("2026-03-01T22:33:00Z", "2026-03-01T22:37:00Z"),
        ("2026-03-01T22:33:30.5Z", "2026-03-01T22:34:59Z"),
    ],
)
@pytest.mark.parametrize("filters", [{}, {"chain": ["base", "bitcoin"]}, {"kind": ["transfer"]}], ids=str)
async def test_the_expected_number_is_the_number(
    reader: Reader, start: str | None, end: str | None, filters: dict[str, list[str]]
) -> None:
    first, last = (None if each is None else datetime.fromisoformat(each) for each in (start, end))
    count = sum(
        (first is None or time >= first)
        and (last is None or time < last)
        and chain in filters.get("chain", [chain])
        and kind in filters.get("kind", [kind])
        for chain, time, kind in ROWS.select("chain", "time", "kind").iter_rows()
    )
    assert await expected(reader, start=start, end=end, now=SAMPLE_NOW, **filters) == count  # type: ignore[arg-type]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def spoil(archive: Path) -> None:
    for file in archive.rglob("*.parquet"):
        file.write_bytes(b"no Parquet")


async def test_a_file_goes_on_in_the_archive_or_breaks_off(
    database: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "EXPORTED_ROWS", 100)
    place = Place(str(tmp_path / "archive"))
    cold = ColdReader(place)
    await commit(pool, three_days(ETHEREUM))
    await archive_all(pool, database, place)
    async with Reader(database) as reader:

        async def rows() -> pl.DataFrame:
            return pl.concat([page async for page in read_every_page(reader, cold, size=100, now=NOW)])

        before = await rows()
        await drop_all(pool, place)
        assert (await rows()).equals(before)
        assert await expected(reader, now=NOW) == before.height
        await asyncio.to_thread(spoil, tmp_path / "archive")
        pages = read_every_page(reader, cold, size=100, now=NOW)
        parts = Exports().written(await anext(pages), pages, Format.PARQUET)
        async with aclosing(parts):
            assert await anext(parts)
            with pytest.raises(ArchiveUnavailable):
                async for _ in parts:
                    pass
    await cold.close()


async def test_there_is_room_for_a_few_at_a_time(sample: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 0)
    async with asking(sample, SAMPLE_NOW) as http:
        client = AsyncClient("http://127.0.0.1")
        client._http = http
        with pytest.raises(ApiError) as refused:
            await client.export(tmp_path / "all.csv", file_format="csv")
    assert refused.value.answer_status == 503
    assert names_in(tmp_path) == []


async def test_what_cannot_be_exported_is_refused(sample: str) -> None:
    async with asking(sample, SAMPLE_NOW) as http:
        for asked, status in (({"format": "json"}, 400), ({"chain": "dogecoin"}, 400), ({"cursor": "x"}, 400)):
            assert (await http.get("/v1/transactions/export", params=asked)).status_code == status
        refused_type = await http.get("/v1/transactions/export", headers={"accept": "application/json"})
        assert refused_type.status_code == 406


async def make_many(pool: Pool) -> None:
    """Many transactions, two hundred a block, made in the database."""
    await Ledger(pool, ETHEREUM).register()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    await pool.execute("SELECT txhub_rollup.make_room($1::timestamptz, $1::timestamptz + INTERVAL '1 day')", start)
    await pool.execute(
        "INSERT INTO txhub.blocks (chain_id, number, hash, parent_hash, time, tx_count)"
        " SELECT 1, n, sha256(n::text::bytea), sha256((n - 1)::text::bytea), $1::timestamptz + n * INTERVAL '12 s', 200"
        " FROM generate_series(0, $2::int / 200 - 1) AS n",
        start,
        MANY,
    )
    await pool.execute(
        "INSERT INTO txhub.transactions SELECT 1, n / 200, $1::timestamptz + n / 200 * INTERVAL '12 s', n % 200,"
        " sha256(n::text::bytea), substr(sha256((n % 999)::text::bytea), 1, 20),"
        " substr(sha256((n % 99)::text::bytea), 1, 20),"
        " n * 1e15::numeric, 21000 * 1e9::numeric, 21000, 1000000000, 2, 'transfer', NULL, 0, n, true"
        " FROM generate_series(0, $2::int - 1) AS n",
        start,
        MANY,
    )
    await pool.execute("ANALYZE txhub.transactions")


@pytest.mark.parametrize(
    ("edition", "name"),
    [(Edition.TIMESCALE, Format.ARROW), (Edition.PLAIN, Format.CSV), (Edition.PLAIN, Format.PARQUET)],
    ids=str,
)
async def test_memory_stays_flat_however_long_the_file(database: str, pool: Pool, name: Format) -> None:
    """What writes files is the same for both editions, so each format is written from one of them."""
    await make_many(pool)
    process = psutil.Process()
    sizes: list[int] = []
    written = 0
    async with Reader(database) as reader:
        pages = read_every_page(reader, COLD, now=NOW)
        parts = Exports().written(await anext(pages), pages, name)
        async for part in parts:
            written += len(part)
            sizes.append(process.memory_info().rss)
    assert len(sizes) > MANY // transactions.EXPORTED_ROWS
    assert written > (50 << 20 if name is not Format.PARQUET else 1 << 20)
    grown = max(sizes) - max(sizes[:6])
    assert grown < GROWTH, f"{grown >> 20} MiB more after the first parts"
