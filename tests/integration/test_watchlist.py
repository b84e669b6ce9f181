"""Watchlists: where they come from, what a change of one says, and single addresses."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import ofac
from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM
from tests.commands import environment, run
from tests.data import recorded
from txhub.client import ApiError, AsyncClient
from txhub.errors import NotFound, UsageError
from txhub.store.labels import Change, Entry, Taken, add_entry, end_entry, import_entries, import_list
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.sanctions import files_by_ticker, is_plain, read_by_ticker, read_ofac

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
ETH, BTC = f"0x{'aB' * 20}", "123WBUDmSJv4GctdVEz6Qq6z8nXSKrJ4KX"
LISTS = "sanctions/ofac_0xB10C"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        yield pool


def test_the_addresses_of_ofacs_xml_are_read_with_who_they_are_of(tmp_path: Path) -> None:
    entities = [
        ofac.entity(1, "DOE & SONS, John", [("ETH", ETH), ("XBT", BTC), ("TRX", "TBHTJqAy4DhHhmT3dNceJYNRz4SdLofLre")]),
        ofac.entity(2, "NOBODY, Jane", []),
        ofac.entity(
            3, "ACME", [("USDT", ETH.upper().replace("0X", "0x")), ("LTC", "LNwgtMxcKUQ51dw7bQL1yPQjBVZh6QEqsd")]
        ),
    ]
    found = read_ofac(ofac.written(tmp_path, "2024-09-27", entities))
    assert found.entries == [
        Entry(ETH, "DOE & SONS, John (CYBER2)", "sanctioned"),
        Entry(BTC, "DOE & SONS, John (CYBER2)", "sanctioned"),
    ]
    assert found.skipped == {"TRX": 1, "LTC": 1}
    assert (found.version, found.as_of) == ("2024-09-27", datetime(2024, 9, 27, 4, tzinfo=UTC))


def test_a_large_list_is_read_in_little_memory(tmp_path: Path) -> None:
    padding = "<!-- " + "x" * 20_000 + " -->"
    entities = (ofac.entity(key, "A", [("ETH", f"0x{key:040x}")]) + padding for key in range(1000))
    path = ofac.written(tmp_path, "2024-09-27", entities)
    tracemalloc.start()
    found = read_ofac(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.entries) == 1000
    assert path.stat().st_size > 20_000_000
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<sanctionsData><entities/>", "is not XML"),
        ("<Sanctions><DateOfIssue/></Sanctions>", "does not say of when it is"),
        ("<a><dataAsOf>yesterday</dataAsOf></a>", "which is not a time"),
        ("<a><dataAsOf>2024-09-27</dataAsOf><entities/></a>", "has no addresses"),
        (
            '<!DOCTYPE a [<!ENTITY a "' + "a" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '"><!ENTITY c "'
            + "&b;" * 1000 + '">]><a>&c;</a>',
            "is not XML: limit on input amplification",
        ),
    ],
)  # fmt: skip
def test_what_is_not_ofacs_list_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "list.xml"
    path.write_text(text)
    with pytest.raises(UsageError, match=fault):
        read_ofac(path)


async def test_the_plain_lists_by_ticker_are_one_list(pool: Pool) -> None:
    files = files_by_ticker(recorded(LISTS))
    found = read_by_ticker(files)
    written = {path.stem[-4:].strip("_s"): path.read_text().split() for path in files}
    evm = {each.lower() for lines in written.values() for each in lines if each.startswith("0x")}
    bitcoin = {each for ticker in ("XBT", "USDT") for each in written[ticker] if each[0] in "13b"}
    assert len(found.entries) == len(evm) + len(bitcoin)
    done = await import_entries(pool, found.entries, Taken("ofac", "2024-09-27", MONDAY, watched=True), "lists")
    assert (done.labels, done.change) == (len(evm) + len(bitcoin), Change(len(evm) + len(bitcoin), 0, 0))
    stored = {row[0] for row in await pool.fetch("SELECT address FROM txhub.labels WHERE watched")}
    assert stored == {bytes.fromhex(each[2:]) for each in evm} | {each.encode() for each in bitcoin}
    assert is_plain(recorded(f"{LISTS}/sanctioned_addresses_ETH.json"))
    json_files = [path.with_suffix(".json") for path in files]
    assert read_by_ticker(json_files).entries == found.entries


async def test_a_new_version_says_who_entered_and_who_ended(pool: Pool, tmp_path: Path) -> None:
    def addresses(*numbers: int) -> list[Entry]:
        return [Entry(f"0x{number:040x}", f"N{number}", "mixer") for number in numbers]

    await import_entries(pool, addresses(1, 2), Taken("other", "1", MONDAY, watched=True), "other")
    first = await import_entries(pool, addresses(2, 3, 4), Taken("list", "1", MONDAY, watched=True), "list")
    assert first.change == Change(2, 0, 0)
    second = await import_entries(pool, addresses(4, 5), Taken("list", "2", TUESDAY, watched=True), "list")
    assert second.change == Change(1, 1, 0)
    rows = await pool.fetch("SELECT source, list_version, entered, ended FROM txhub.screenings ORDER BY id")
    assert [(*row[:2], [int.from_bytes(each, "big") for each in row[2]], row[3]) for row in rows] == [
        ("other", "1", [1, 2], 0),
        ("list", "1", [3, 4], 0),
        ("list", "2", [5], 1),
    ]
    path = tmp_path / "labels.csv"
    path.write_text(f"address,name,category\n0x{7:040x},A,exchange\n")
    with pytest.raises(UsageError, match="list is a watchlist"):
        await import_list(pool, path, source="list", as_of=TUESDAY + timedelta(days=1))
    await import_list(pool, path, source="labels", as_of=MONDAY)
    with pytest.raises(UsageError, match="labels is no watchlist"):
        await import_list(pool, path, source="labels", version="2", as_of=TUESDAY, watched=True)


async def test_a_list_is_kept_by_hand_or_comes_from_files(pool: Pool) -> None:
    entry = Entry(ETH, "Someone", "Watched")
    first = await add_entry(pool, entry, source="own", watched=True, now=MONDAY)
    assert (first.address, first.chain, first.category, first.list_version) == (ETH.lower(), None, "watched", "by hand")
    assert await add_entry(pool, entry, source="own", watched=True, now=TUESDAY) == first
    on_one = await add_entry(pool, Entry(BTC, "B", "x", chain="bitcoin"), source="own", watched=True, now=MONDAY)
    assert on_one.chain == "bitcoin"
    for wrong, fault in (
        (Entry("0x12", "A", "x"), "is not"),
        (Entry(ETH, "A", "x", chain="bitcoin"), "is not a Bitcoin"),
    ):
        with pytest.raises(UsageError, match=fault):
            await add_entry(pool, wrong, source="own", watched=True, now=MONDAY)
    with pytest.raises(UsageError, match="own is kept by hand"):
        await import_entries(pool, [entry], Taken("own", "1", TUESDAY, watched=True), "list")
    await import_entries(pool, [entry], Taken("list", "1", MONDAY, watched=True), "list")
    with pytest.raises(UsageError, match="list comes from files"):
        await add_entry(pool, entry, source="list", watched=True, now=TUESDAY)
    of_list = await pool.fetchval("SELECT id FROM txhub.labels WHERE source = 'list'")
    with pytest.raises(UsageError, match="comes from files"):
        await end_entry(pool, of_list, watched=True, now=TUESDAY)
    assert await end_entry(pool, on_one.id, watched=True, now=TUESDAY) == Change(0, 1, 0)
    later = TUESDAY + timedelta(hours=1)
    assert await end_entry(pool, first.id, watched=True, now=later) == Change(0, 0, 0)  # the list still has it
    with pytest.raises(NotFound):
        await end_entry(pool, first.id, watched=True, now=TUESDAY)


async def test_an_entry_ends_also_by_a_clock_that_was_set_back(pool: Pool) -> None:
    for moment in (TUESDAY, MONDAY):
        entry = await add_entry(pool, Entry(BTC, "B", "x"), source="own", watched=True, now=TUESDAY)
        assert await end_entry(pool, entry.id, watched=True, now=moment) == Change(0, 1, 0)
    assert await pool.fetchval("SELECT bool_and(valid_to > valid_from) FROM txhub.labels")


async def test_single_addresses_are_watched_by_the_api(database: str, pool: Pool) -> None:
    async with asking(database, TUESDAY) as http:
        client = AsyncClient("http://127.0.0.1")
        client._http = http
        await import_entries(pool, [Entry(BTC, "B", "mixer")], Taken("list", "1", MONDAY, watched=True), "list")
        added = await client.watch(ETH.upper().replace("0X", "0x"), name="Someone", chain="ethereum")
        assert (added.address, added.source, added.valid_from) == (ETH.lower(), "own", TUESDAY)
        page = await client.watchlist()
        assert [each.address for each in page.items] == [ETH.lower(), BTC]
        assert page.items[0] == added
        for question, found in (
            ({"chain": "bitcoin"}, [BTC]),
            ({"address": ETH}, [ETH.lower()]),
            ({"source": "list"}, [BTC]),
            ({"address": f"0x{'00' * 20}"}, []),
        ):
            assert [each.address for each in (await client.watchlist(**question)).items] == found
        first = await client.watchlist(limit=1)
        assert [each.address for each in (await client.watchlist(cursor=first.next)).items] == [BTC]
        assert [(each.source, each.addresses, each.entered, each.searched) for each in await client.watchlists()] == [
            ("own", 1, 1, False),
            ("list", 1, 1, False),
        ]
        await pool.execute("UPDATE txhub.labels SET valid_from = $1 WHERE id = $2", MONDAY, added.id)
        await client.unwatch(added.id)
        assert [each.address for each in (await client.watchlist()).items] == [BTC]
        assert [each.valid_to for each in (await client.watchlist(ended=True)).items] == [TUESDAY, None]
        for wrong, status in (
            (client.unwatch(added.id), 404),
            (client.unwatch(page.items[1].id), 400),
            (client.watch("0x12"), 400),
            (client.watchlist(address="x"), 400),
            (client.watchlist(chain="solana"), 400),
        ):
            with pytest.raises(ApiError) as refused:
                await wrong
            assert refused.value.answer_status == status
        csv = (await http.get("/v1/watchlist?format=csv")).text
        assert csv.splitlines()[0].startswith("id,chain,address,name,category,country,source,list_version,valid_from")


async def test_the_command_imports_lists_and_keeps_single_addresses(database: str, pool: Pool, tmp_path: Path) -> None:
    env = environment(database)
    path = ofac.written(tmp_path, "2024-09-27", [ofac.entity(1, "DOE", [("ETH", ETH), ("TRX", "TBHT")])])
    done = run("watchlist", "import", str(path), env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ofac-sdn: version 2024-09-27, 1 addresses from 2024-09-27T04:00:00+00:00 on",
        "not watched, since txhub does not know their chains: 1 of TRX",
        "1 were not watched before: the worker searches history for them",
        "0 are not watched any more, which takes 0 exposures away",
    ]
    assert run("watchlist", "import", str(path), env=env).returncode == 2
    added = run("watchlist", "add", BTC, "--name", "Boris", env=env)
    assert added.returncode == 0, added.stderr
    shown = run(
        "watchlist",
        "list",
        "--addresses",
        env=environment(
            database,
        )
        | {"COLUMNS": "200"},
    ).stdout
    assert ETH.lower() in shown
    assert "Boris" in shown
    assert "waits for the worker" in run("watchlist", "list", env=env | {"COLUMNS": "200"}).stdout
    key = await pool.fetchval("SELECT id FROM txhub.labels WHERE source = 'own'")
    assert "entry" in run("watchlist", "remove", str(key), env=env).stdout
    assert run("watchlist", "remove", str(key), env=env).returncode == 2
