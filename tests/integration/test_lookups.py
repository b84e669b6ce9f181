"""Tokens, origins, the search box and labels, against the rows and lists as they were committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.asking import asking
from tests.blocks import BITCOIN, ETHEREUM, START, make_block, make_blocks, make_branch
from tests.conftest import open_database
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.client import ApiError, AsyncClient
from txhub.config import Settings
from txhub.contract import HitKind, TokenRank
from txhub.errors import UsageError
from txhub.model import TokenTransfer
from txhub.query import search as box
from txhub.query.amount import whole_coins
from txhub.query.origins import read_origins
from txhub.query.search import search
from txhub.query.tokens import read_token, read_volumes
from txhub.rollup import hours
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.edition import Edition
from txhub.store.keys import Role, create_key
from txhub.store.labels import import_list
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool
from txhub.store.read import Reader
from txhub.store.server import Server

BLOCKS = make_blocks(range(900), transactions=9)
"""22:30 to 01:30; the hours 22, 23 and 00 are closed, the last one is not."""
NOW = START + timedelta(hours=3, minutes=5)
TOP = 10
LOST = make_branch([899], "b", fork=898)
ROWS = [row for block in BLOCKS for row in block.transactions]
TRANSFERS = [each for block in BLOCKS for each in block.token_transfers]
TOKENS = {bytes(19) + bytes([n]): f"TK{n}" for n in range(3)}
COUNTRIES = {bytes(19) + bytes([n]): country for n, country in ((1, "GB"), (2, "GB"), (3, "JP"), (4, "US"))}


def shown(address: bytes) -> str:
    return "0x" + address.hex()


async def fill(url: str, folder: Path) -> None:
    path = folder / "desk.csv"
    lines = [f"{shown(address)},House of {country},exchange,{country}" for address, country in COUNTRIES.items()]
    path.write_text(
        "address,name,category,country\n" + "\n".join([*lines, f"{shown(bytes(19) + b'*')},Nowhere,mixer,"])
    )
    async with open_pool(url, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS[:-1], bulk=True)
        await ledger.commit(LOST)
        await ledger.replace(898, BLOCKS[-1:])
        await Ledger(pool, BITCOIN).register()
        await import_list(pool, path, source="desk", version="1", as_of=START)
        await pool.executemany(
            "INSERT INTO txhub.tokens VALUES (1, $1, $2, $3, 'test')",
            [(address, symbol, 6 if symbol != "TK2" else None) for address, symbol in TOKENS.items()],
        )
        while await catch_up(pool, NOW):
            pass
        await close_hours(pool, NOW)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def filled(
    request: pytest.FixtureRequest,
    servers: Callable[[Edition], Server],
    migrated: Callable[[Edition], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    with (
        open_database(servers(request.param), migrated(request.param)) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(hours, "TOP", TOP)
        asyncio.run(fill(url, tmp_path_factory.mktemp("lists")))
        yield url


@pytest.fixture
async def reader(filled: str) -> AsyncIterator[Reader]:
    async with Reader(filled) as reader:
        yield reader


def of_token(transfers: list[TokenTransfer]) -> dict[bytes, list[int]]:
    tokens: dict[bytes, list[int]] = {}
    for each in transfers:
        tokens.setdefault(each.token_address, []).append(int(each.amount))
    return tokens


@pytest.mark.parametrize("rank", list(TokenRank))
async def test_the_most_transferred_tokens(reader: Reader, rank: TokenRank) -> None:
    start = START.replace(minute=0) + timedelta(hours=1)
    asked = {"start": (start + timedelta(minutes=7)).isoformat(), "end": (start + timedelta(minutes=70)).isoformat()}
    found = (await read_volumes(reader, chain=["ethereum"], rank=rank, now=NOW, **asked)).as_contract()
    assert (found.start, found.end) == (start, start + timedelta(hours=2))
    truth = of_token([each for each in TRANSFERS if found.start <= each.block_time < found.end])
    assert found.token_count == len(found.items) == len(truth)
    for item in found.items:
        raw = bytes.fromhex(item.token_address[2:])
        assert (item.transfer_count, item.amount_base) == (len(truth[raw]), str(sum(truth[raw])))
        assert item.symbol == TOKENS.get(raw)
        assert item.amount == (None if item.decimals is None else whole_coins(sum(truth[raw]), item.decimals))
    if rank is TokenRank.COUNT:
        assert [item.transfer_count for item in found.items] == sorted(map(len, truth.values()), reverse=True)
    else:
        amounts = [Decimal(item.amount) for item in found.items if item.amount is not None]
        assert amounts == sorted(amounts, reverse=True)
        assert found.items[-1].amount is None
    assert found.quality.coverage == 1.0
    assert found.quality.rows_read == 2 * len(truth)
    assert len((await read_volumes(reader, limit=1, now=NOW)).rows) == 1


@pytest.mark.parametrize(("bucket", "width"), [("1h", 1), ("1d", 24)])
async def test_one_token_over_time(reader: Reader, bucket: str, width: int) -> None:
    token = next(iter(TOKENS))
    found = (await read_token(reader, "ethereum", shown(token), bucket=bucket, now=NOW)).as_contract()
    assert (found.symbol, found.decimals, found.bucket.value) == ("TK0", 6, bucket)
    truth: dict[datetime, list[int]] = {}
    for each in TRANSFERS:
        if each.token_address == token:
            start = each.block_time.replace(minute=0, second=0)
            truth.setdefault(start.replace(hour=0) if width == 24 else start, []).append(int(each.amount))
    assert {item.time: (item.transfer_count, item.amount_base, item.amount) for item in found.items} == {
        time: (len(amounts), str(sum(amounts)), whole_coins(sum(amounts), 6)) for time, amounts in truth.items()
    }


async def test_tokens_that_cannot_be_asked_for(reader: Reader) -> None:
    with pytest.raises(UsageError, match="31 days"):
        await read_volumes(reader, start="-32d", now=NOW)
    with pytest.raises(UsageError, match="kept by hour"):
        await read_token(reader, "ethereum", shown(bytes(20)), bucket="5m", now=NOW)


async def test_origins_add_up_with_the_unknown_share(reader: Reader) -> None:
    """What is counted of a country is not more than it sent; with what was not looked up it is not less."""
    start = START.replace(minute=0)
    found = (await read_origins(reader, chain=["ethereum"], start=start.isoformat(), now=NOW)).as_contract()
    assert (found.tx_count, found.symbol) == (len(ROWS), "ETH")
    assert found.value == whole_coins(sum(int(row.value) for row in ROWS), 18)
    counts = Counter(COUNTRIES[row.from_address] for row in ROWS if row.from_address in COUNTRIES)
    values: Counter[str] = Counter()
    for row in ROWS:
        if row.from_address in COUNTRIES:
            values[COUNTRIES[row.from_address]] += int(row.value)
    assert {item.country for item in found.items} <= counts.keys()
    assert found.items
    unseen = found.unknown.unseen_tx_count
    for item in found.items:
        assert item.tx_count <= counts[item.country] <= item.tx_count + unseen
        assert item.value is not None
        assert int(Decimal(item.value) * 10**18) <= values[item.country]
        assert item.tx_share == item.tx_count / found.tx_count
        assert item.value_share is not None
    assert sum(item.tx_count for item in found.items) + found.unknown.tx_count == found.tx_count
    total = sum(Decimal(item.value or 0) for item in found.items) + Decimal(found.unknown.value or 0)
    assert abs(total - Decimal(found.value)) < Decimal("1e-6")
    assert 0 < unseen < found.unknown.tx_count
    assert found.quality.error == found.unknown.unseen_tx_share == unseen / found.tx_count


async def test_origins_of_an_hour_that_is_not_closed_are_exact(reader: Reader) -> None:
    start = START.replace(minute=0) + timedelta(hours=3)
    found = (await read_origins(reader, chain=["ethereum"], start=start.isoformat(), now=NOW)).as_contract()
    rows = [row for row in ROWS if row.block_time >= start]
    counts = Counter(COUNTRIES[row.from_address] for row in rows if row.from_address in COUNTRIES)
    assert {item.country: item.tx_count for item in found.items} == counts
    assert {item.country: item.address_count for item in found.items} == Counter(COUNTRIES.values())
    assert (found.unknown.unseen_tx_count, found.quality.error) == (0, 0.0)
    several = (await read_origins(reader, start=start.isoformat(), now=NOW)).as_contract()
    assert (several.symbol, several.value, several.items[0].value) == (None, None, None)
    assert several.items[0].tx_count == found.items[0].tx_count


async def found_by(reader: Reader, text: str, limit: int = 10) -> list[tuple[str, str | None, str, str]]:
    hits = await search(reader, text, limit=limit, now=NOW)
    return [(hit.kind.value, hit.chain, hit.title, hit.link) for hit in hits.items]


async def test_one_box_finds_everything(reader: Reader) -> None:
    row, block = ROWS[1234], BLOCKS[17]
    own = (f"/v1/transactions/ethereum/{shown(row.hash)}?block={row.block_number}",)
    for text in (shown(row.hash), row.hash.hex().upper(), f" {shown(row.hash)} "):
        assert await found_by(reader, text) == [("transaction", "ethereum", shown(row.hash), *own)]
    assert await found_by(reader, block.hash.hex()) == [
        ("block", "ethereum", shown(block.hash), "/v1/blocks/ethereum/17")
    ]
    assert await found_by(reader, "17") == [("block", "ethereum", shown(block.hash), "/v1/blocks/ethereum/17")]
    gone = LOST[0].transactions[0]
    [(kind, _, title, _)] = await found_by(reader, gone.hash.hex())
    assert (kind, title) == ("transaction", shown(gone.hash))
    [(kind, _, _, link)] = await found_by(reader, LOST[0].hash.hex())
    assert (kind, link) == ("block", f"/v1/blocks/ethereum/{shown(LOST[0].hash)}")

    address = shown(next(iter(TOKENS)))
    assert await found_by(reader, address.upper().replace("X", "x")) == [
        ("address", "ethereum", address, f"/v1/addresses/ethereum/{address}"),
        ("token", "ethereum", "TK0", f"/v1/tokens/ethereum/{address}"),
    ]
    assert [hit[:3] for hit in await found_by(reader, "tk")] == [
        ("token", "ethereum", symbol) for symbol in sorted(TOKENS.values(), key=lambda each: -transfers_of(each))
    ]
    assert [hit[2] for hit in await found_by(reader, "TK1")] == ["TK1"]
    assert {hit[2] for hit in await found_by(reader, "hou gb")} == {"House of GB"}
    assert len(await found_by(reader, "house of", limit=2)) == 2
    assert [hit[0] for hit in await found_by(reader, "nowh")] == ["label"]
    for nothing in ("0x" + "ab" * 32, "99999999", "9" * 63, "nobody & !(:*", "%", "_", "\\", "'"):
        assert await found_by(reader, nothing) == []


def transfers_of(symbol: str) -> int:
    return sum(TOKENS.get(each.token_address) == symbol for each in TRANSFERS)


async def test_an_address_was_seen_or_not(reader: Reader) -> None:
    address = bytes(19) + b"\x07"
    [hit] = (await search(reader, shown(address), now=NOW)).items
    touched = [row.block_time for row in ROWS if address in (row.from_address, row.to_address)]
    touched += [each.block_time for each in TRANSFERS if address in (each.from_address, each.to_address)]
    assert (hit.kind, hit.time) == (HitKind.ADDRESS, max(touched))
    [hit] = (await search(reader, "0x" + "ab" * 20, now=NOW)).items
    assert hit.time is None
    [hit] = (await search(reader, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", now=NOW)).items
    assert hit.chain == "bitcoin"


async def test_a_search_says_how_far_it_got(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await search(reader, "ab" * 32, now=NOW)).searched_since is None
    monkeypatch.setattr(box, "SEARCHED_S", -1.0)
    since = (await search(reader, "ab" * 32, now=NOW)).searched_since
    assert since == START.replace(hour=0, minute=0) + timedelta(days=1)
    assert (await found_by(reader, ROWS[-1].hash.hex()))[0][0] == "transaction"


@pytest.mark.parametrize("nothing", ["", "   ", "x" * 201, "a\x00b"])
async def test_there_has_to_be_something_to_look_for(reader: Reader, nothing: str) -> None:
    with pytest.raises(UsageError, match="q "):
        await search(reader, nothing, now=NOW)


NASTY = ["'; DROP TABLE txhub.labels; --", "1 OR 1=1", "💥", "%", "x" * 190, "{}", "-1", "null", "& | !", "a:*", "\\"]


async def test_the_routes_answer_and_take_no_harm(filled: str) -> None:
    async with asking(filled, NOW) as api:
        client = AsyncClient("http://127.0.0.1")
        client._http = api
        assert (await client.tokens(limit=2)).token_count == 5
        assert (await client.token("ethereum", shown(bytes(20)), bucket="1d")).symbol == "TK0"
        assert (await client.origins(chain="ethereum")).unknown.tx_count
        assert (await client.search("17")).items[0].kind is HitKind.BLOCK
        assert (await api.get("/v1/origins?format=csv")).headers["txhub-unseen-share"]
        assert (await api.get("/v1/tokens?format=parquet")).status_code == 200
        for text in NASTY:
            assert (await api.get("/v1/search", params={"q": text})).status_code == 200, text
            for path in ("/v1/labels?source=", "/v1/labels?category="):
                assert (await api.get(path, params={"source": text})).status_code == 200, text
        for path in (
            "/v1/search",
            "/v1/search?q=%00",
            "/v1/labels?source=%00",
            "/v1/labels?at=then",
            "/v1/labels?category=%00",
        ):
            assert (await api.get(path)).status_code == 400, path


async def test_labels_begin_end_and_stay_known(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        await Ledger(pool, ETHEREUM).register()
        await Ledger(pool, ETHEREUM).commit([make_block(0)])
    async with asking(database) as api:
        client = AsyncClient("http://127.0.0.1")
        client._http = api
        await begin_and_end(client)


async def begin_and_end(client: AsyncClient) -> None:
    address = "0x" + "aB" * 20
    added = await client.add_label(address, "Acme", "Exchange", country="gb", chain="ethereum")
    assert (added.address, added.category, added.country, added.chain) == (
        address.lower(),
        "exchange",
        "GB",
        "ethereum",
    )
    assert (added.source, added.list_version, added.valid_to) == ("own", "by hand", None)
    bridge = await client.add_label("0x" + "cd" * 20, "Bolt", "bridge", source="desk")
    assert [label.id for label in (await client.labels()).items] == [bridge.id, added.id]
    questions: list[dict[str, Any]] = [
        {"address": address},
        {"category": "exchange"},
        {"source": "own"},
        {"limit": 1, "cursor": (await client.labels(limit=1)).next},
    ]
    for question in questions:
        assert (await client.labels(**question)).items == [added], question
    assert len((await client.labels(chain="ethereum")).items) == 2, "one of them is of every chain"

    await client.end_label(added.id)
    assert [label.id for label in (await client.labels()).items] == [bridge.id]
    [ended] = [label for label in (await client.labels(ended=True)).items if label.id == added.id]
    assert ended.valid_to is not None
    assert ended in (await client.labels(at=added.valid_from)).items
    assert (await client.labels(at=added.valid_from - timedelta(seconds=1))).items == []
    with pytest.raises(ApiError) as refused:
        await client.end_label(added.id)
    assert refused.value.answer_status == 404
    with pytest.raises(ApiError) as refused:
        await client.add_label("0x12", "Acme", "exchange")
    assert refused.value.answer_status == 400


async def test_only_analysts_change_labels(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        keys = {role: await create_key(pool, role.value, role) for role in (Role.VIEWER, Role.ANALYST)}
    app = create_app(database, Settings(), admission=Admission.KEYS)
    body = {"address": "0x" + "ab" * 20, "name": "Acme", "category": "exchange"}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        for role, allowed in ((Role.VIEWER, 403), (Role.ANALYST, 201)):
            answer = await api.post("/v1/labels", json=body, headers={"X-API-Key": keys[role]})
            assert answer.status_code == allowed
        key = answer.json()["id"]
        for role, allowed in ((Role.VIEWER, 403), (Role.ANALYST, 204)):
            answer = await api.delete(f"/v1/labels/{key}", headers={"X-API-Key": keys[role]})
            assert answer.status_code == allowed
