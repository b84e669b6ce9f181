"""OFAC's list as it was on 27 September 2024, transfers planted to its addresses, and the report of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import polars as pl
import pytest

from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM
from tests.commands import environment, run
from tests.conftest import open_database
from tests.data import recorded
from tests.exposed import TOKEN, Sent, Spent, block_of, hash_of
from txhub.client import AsyncClient
from txhub.detect.screening import screen_committed, search_history
from txhub.store.edition import Edition
from txhub.store.labels import Entry, Taken, import_entries
from txhub.store.ledger import Ledger
from txhub.store.moves import Moves
from txhub.store.pool import Pool, open_pool
from txhub.store.prices import Price, put_prices
from txhub.store.sanctions import files_by_ticker, read_by_ticker
from txhub.store.server import Server

LISTED_ON = datetime(2024, 9, 27, tzinfo=UTC)
BEFORE, AFTER = LISTED_ON - timedelta(days=3), LISTED_ON + timedelta(days=3)
RANGE = {"start": "2024-09-01", "end": "2024-10-15"}
ANNA, BORIS, CLARA, DORA = (bytes([n, 255 - n]) * 10 for n in (1, 2, 3, 4))
EVE, FRED, GINA = (b"1%sxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" % name for name in (b"Eve", b"Fred", b"Gina"))
WRITTEN = (str, str.lower, lambda text: "0x" + text[2:].upper(), lambda text: "0X" + text[2:].swapcase())
"""How an address may be written in a list."""


def addresses(ticker: str) -> list[str]:
    return recorded(f"sanctions/ofac_0xB10C/sanctioned_addresses_{ticker}.txt").read_text().split()


def bitcoin_kinds() -> list[bytes]:
    """A listed address of each kind: 1…, 3… and bc1…, which is in capitals on the list of this test."""
    found = addresses("XBT")
    return [next(each for each in found if each.startswith(start)).encode() for start in ("1", "3", "bc1")]


async def plant(url: str) -> None:
    evm = [bytes.fromhex(each[2:]) for each in addresses("ETH")[:4]]
    bitcoin = bitcoin_kinds()
    async with open_pool(url, name="test") as pool:
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        await put_prices(
            pool,
            [
                Price(symbol, day, Decimal(usd), "test")
                for symbol, usd in (("ETH", "2500"), ("BTC", "60000"))
                for day in (BEFORE - timedelta(hours=1), AFTER - timedelta(hours=1))
            ],
        )
        await Ledger(pool, ETHEREUM).commit(
            [
                block_of(ETHEREUM, 1, BEFORE, [Sent(ANNA, each) for each in evm]),
                block_of(ETHEREUM, 2, AFTER, [Sent(each, BORIS, 2 * 10**18) for each in evm]),
                block_of(ETHEREUM, 3, AFTER + timedelta(hours=5), [Sent(BORIS, CLARA), Sent(ANNA, DORA)]),
                block_of(ETHEREUM, 4, AFTER + timedelta(hours=6), [Sent(evm[0], CLARA, 77, TOKEN), Sent(ANNA, BORIS)]),
            ]
        )
        outputs = [(GINA, 5), *((each, 100_000) for each in bitcoin), (EVE, 7), (None, 0)]
        await Ledger(pool, BITCOIN).commit(
            [
                block_of(BITCOIN, 1, BEFORE, [Spent([(EVE, 300_020)], outputs)]),
                block_of(BITCOIN, 2, AFTER, [Spent([(bitcoin[0], 100_000)], [(FRED, 99_000)])]),
                block_of(BITCOIN, 3, AFTER, [Spent([(FRED, 99_000)], [(GINA, 98_000)])]),
            ]
        )
        found = read_by_ticker(files_by_ticker(recorded("sanctions/ofac_0xB10C"))).entries
        in_every_case = [_rewritten(number, entry) for number, entry in enumerate(found)]
        await import_entries(pool, in_every_case, Taken("ofac", "2024-09-27", LISTED_ON, watched=True), "lists")
        await screened(pool)


def _rewritten(number: int, entry: Entry) -> Entry:
    if entry.address.startswith("0x"):
        return Entry(WRITTEN[number % len(WRITTEN)](entry.address), entry.name, entry.category)
    capitals = entry.address.upper() if entry.address.startswith("bc1") else entry.address
    return Entry(capitals, entry.name, entry.category)


async def screened(pool: Pool) -> None:
    moves = Moves(pool, None)
    while await screen_committed(pool, moves) or await search_history(pool, moves):
        pass


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def planted(
    request: pytest.FixtureRequest,
    servers: Callable[[Edition], Server],
    migrated: Callable[[Edition], str],
) -> Iterator[str]:
    """The URL of a database with all of it, searched; tests only read it, but for the last."""
    edition = request.param
    with open_database(servers(edition), migrated(edition)) as url:
        asyncio.run(plant(url))
        yield url


async def asked(http: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await http.get("/v1/reports/exposure", params=RANGE | more)


async def test_planted_transfers_are_found_in_every_case_before_and_after_the_lists_date(planted: str) -> None:
    evm, bitcoin = addresses("ETH")[:4], [each.decode() for each in bitcoin_kinds()]
    async with asking(planted) as http:
        client = AsyncClient("http://127.0.0.1")
        client._http = http
        report = await client.exposure(**RANGE)
        direct = [each for each in report.items if each.hops == 0]
        before = {each.address for each in direct if each.block_time == BEFORE}
        assert before == {each.lower() for each in evm} | set(bitcoin)
        assert {each.listed_then for each in direct if each.block_time < LISTED_ON} == {None}
        assert {each.listed_then for each in direct if each.block_time > LISTED_ON} == {"ofac 2024-09-27"}
        assert {each.listed_now for each in report.items} == {"ofac 2024-09-27"}
        on_bitcoin = [each for each in direct if each.chain == "bitcoin" and each.block_time == BEFORE]
        assert {(each.amount, each.value_usd) for each in on_bitcoin} == {("0.001", "60.00")}
        hops = {(each.hash, each.address, tuple(each.path)) for each in report.items if each.hops == 1}
        later = f"0x{hash_of(3, 0, Sent(BORIS, CLARA)).hex()}"
        assert hops == {
            *((later, each.lower(), (each.lower(), f"0x{BORIS.hex()}", f"0x{CLARA.hex()}")) for each in evm),
            (
                hash_of(3, 0, Spent([(FRED, 99_000)], [(GINA, 98_000)])).hex(),
                bitcoin[0],
                (bitcoin[0], FRED.decode(), GINA.decode()),
            ),
        }
        total = report.total
        assert (total.transactions, total.direct, total.indirect, total.addresses) == (13, 11, 2, 7)
        # 4 ETH, 8 ETH, and 1 ETH by one hop; of Bitcoin three outputs, 0.001 spent, and 0.00099 by one hop
        worth = 13 * 2500 + 3 * 60 + 60 + Decimal("59.40")
        assert (Decimal(total.value_usd), total.unpriced, total.listed_then) == (worth, 1, 8)
        assert [(each.key, each.transactions) for each in report.by_chain] == [("ethereum", 10), ("bitcoin", 3)]
        assert [(each.day.isoformat(), each.direct, each.indirect) for each in report.by_day] == [
            ("2024-09-24", 5, 0),
            ("2024-09-30", 6, 2),
        ]
        assert [(each.source, each.list_version, each.searched) for each in report.lists] == [
            ("ofac", "2024-09-27", True)
        ]
        assert [(each.chain, each.blocks, each.missing) for each in report.chains] == [
            ("bitcoin", 3, 0),
            ("ethereum", 4, 0),
        ]


async def test_the_same_question_has_the_same_report_in_every_format(planted: str) -> None:
    async with asking(planted) as first, asking(planted) as second:
        for wanted in ("html", "json", "csv", "parquet"):
            answers = [await asked(http, format=wanted) for http in (first, second)]
            assert answers[0].status_code == 200, answers[0].text
            assert answers[0].content == answers[1].content
        page = (await first.get("/v1/reports/exposure", params=RANGE, headers={"accept": "text/html,*/*;q=0.8"})).text
        csv = (await asked(first, format="csv")).content
        json = (await asked(first)).json()
        assert pl.read_csv(csv).height == len(json["items"]) == 18
        arrow = pl.read_ipc_stream((await asked(first, format="arrow")).content)
        assert arrow["path"].to_list() == [" > ".join(each["path"]) for each in json["items"]]
        few = (await asked(first, limit=3)).json()
        assert (len(few["items"]), few["left_out"], few["total"]) == (3, 15, json["total"])
        answer = await asked(first, format="html")
        assert "style-src 'sha256-" in answer.headers["content-security-policy"]
        unchanged = await first.get(answer.url, headers={"if-none-match": answer.headers["etag"]})
        assert unchanged.status_code == 304
        for narrowed, count in (({"chain": "bitcoin"}, 3), ({"source": "ofac"}, 13), ({"screening": "1"}, 13)):
            assert (await asked(first, **narrowed)).json()["total"]["transactions"] == count
        for wrong in ({"source": "nobody"}, {"chain": "solana"}, {"screening": "x"}, {"format": "pdf"}):
            refused = await asked(first, **wrong)
            assert (refused.status_code, bool(refused.json()["hint"])) == (400, True)
    assert page == answer.text
    for entry in json["items"]:
        assert entry["hash"] in page.replace("<wbr>", "")
    assert not re.search(r"<script|<link|<img|https?:|@import|url\(|\son\w+=|style=", page)


def test_the_command_writes_the_report_of_the_api(planted: str) -> None:
    env = environment(planted)
    once = run("report", "exposure", "--start", RANGE["start"], "--end", RANGE["end"], env=env)
    again = run("report", "exposure", "--start", RANGE["start"], "--end", RANGE["end"], env=env)
    assert once.returncode == 0, once.stderr
    assert once.stdout == again.stdout
    assert once.stdout.startswith("<!DOCTYPE html>")


async def test_a_newer_list_takes_exposure_away_and_says_so(planted: str) -> None:
    gone = addresses("ETH")[0].lower()
    async with open_pool(planted, name="test") as pool, asking(planted) as http:
        before = (await asked(http)).json()
        left = read_by_ticker(files_by_ticker(recorded("sanctions/ofac_0xB10C"))).entries
        left = [each for each in left if each.address.lower() != gone]
        newer = Taken("ofac", "2024-11-01", datetime(2024, 11, 1, tzinfo=UTC), watched=True)
        done = await import_entries(pool, left, newer, "lists")
        lost = [each for each in before["items"] if each["address"] == gone]
        assert done.change == (0, 1, len(lost))
        await screened(pool)
        after = (await asked(http)).json()
        taken = [each for each in after["items"] if each["retracted_at"]]
        assert {each["hash"] for each in taken} == {each["hash"] for each in lost}
        assert {each["reason"] for each in taken} == {"ofac 2024-11-01 does not list it any more"}
        assert {(each["block_time"] > "2024-09-27", each["listed_then"]) for each in taken} == {
            (True, "ofac 2024-09-27"),
            (False, None),
        }
        assert after["retracted"]["transactions"] == 4
        # what Boris passed on came from three others as well
        assert after["total"]["transactions"] == before["total"]["transactions"] - 3
        page = (await asked(http, format="html")).text
        assert "ofac 2024-11-01 does not list it any more" in page
