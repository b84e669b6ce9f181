"""Prices: from files, from a feed on a real Ethereum node, and what they make of a transaction's value."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import httpx
import polars as pl
import psycopg
import pytest
from structlog.testing import capture_logs

from tests.anvil import running_anvil
from tests.blocks import ETHEREUM, START
from tests.commands import environment, run, running
from tests.sample import BLOCKS, CHAINS
from txhub.chain.chainlink import Answer, read_answers
from txhub.errors import NodeRefused, NodeUnavailable, UsageError
from txhub.ingest.prices import follow_price, store_answers
from txhub.model import Chain
from txhub.store.pool import Pool, open_pool
from txhub.store.prices import import_prices

DAY = timedelta(days=1)
PRICES = [
    ("ETH", START - DAY, Decimal(1)),  # a day before the first block: not fresh any more
    ("ETH", START - DAY + timedelta(seconds=30), Decimal("3000.123456789012345678")),
    ("ETH", START + timedelta(minutes=10), Decimal("2999.99")),
    ("ETH", START + timedelta(minutes=40), Decimal("0.000000001")),
    ("BTC", START - 2 * DAY, Decimal(60_000)),
    ("ethereum", START, Decimal(5)),  # no coin's symbol
]


def put(url: str, prices: list[tuple[str, datetime, Decimal]]) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO txhub.prices VALUES (%s, %s, %s, 'test')", prices)


async def stored(pool: Pool) -> list[tuple[str, datetime, Decimal, str]]:
    rows = await pool.fetch("SELECT asset, time, usd, source FROM txhub.prices ORDER BY asset, time")
    return [(row[0], row[1], row[2], row[3]) for row in rows]


@pytest.fixture(scope="module")
def sample(sample: str) -> str:
    """The sample, and prices for a part of its time."""
    put(sample, PRICES)
    return sample


def dollars(symbol: str, time: datetime, coins: Decimal) -> str | None:
    """The value at the newest price of the day before, computed without any SQL."""
    fresh = [(since, usd) for asset, since, usd in PRICES if asset == symbol and timedelta(0) <= time - since < DAY]
    return f"{(coins * max(fresh)[1]).quantize(Decimal('0.01'), ROUND_HALF_UP):f}" if fresh else None


def expected() -> dict[tuple[str, int, int], str | None]:
    with localcontext(prec=100):
        return {
            (name, row.block_number, row.tx_index): dollars(
                CHAINS[name].symbol, row.block_time, row.value.scaleb(-CHAINS[name].decimals)
            )
            for name, blocks in BLOCKS.items()
            for block in blocks
            for row in block.transactions
        }


async def test_every_format_carries_the_exact_value_in_dollars_or_none(api: httpx.AsyncClient) -> None:
    wanted = expected()
    known = [value for (chain, *_), value in wanted.items() if chain != "bitcoin"]
    assert {None, "0.00"} < set(known)
    assert {value for (chain, *_), value in wanted.items() if chain == "bitcoin"} == {None}

    async def page(chosen: str, link: str) -> httpx.Response:
        answer = await api.get(link, params={"format": chosen} if "?" not in link else None)
        assert answer.status_code == 200, answer.text
        return answer

    found: dict[tuple[str, int, int], str | None] = {}
    link: str | None = "/v1/transactions?limit=1000&format=json"
    while link:
        answer = await page("json", link)
        items = answer.json()["items"]
        found |= {(each["chain"], each["block_number"], each["tx_index"]): each["value_usd"] for each in items}
        link = answer.links.get("next", {}).get("url")
    assert found == wanted

    readers = {
        "csv": lambda body: pl.read_csv(body, infer_schema=False),
        "arrow": pl.read_ipc_stream,
        "parquet": pl.read_parquet,
    }
    for chosen, read in readers.items():
        frame = read(io.BytesIO((await page(chosen, f"/v1/transactions?limit=1000&format={chosen}")).content))
        assert frame.schema["value_usd"] == pl.String
        rows = frame.select(pl.col("chain"), pl.col("block_number", "tx_index").cast(pl.Int64), "value_usd").rows()
        assert {(chain, number, index): usd for chain, number, index, usd in rows}.items() <= wanted.items()
        assert len(rows) == 1000


async def test_a_file_of_prices_can_be_imported_again(database: str, tmp_path: Path) -> None:
    token = "Ethereum-2/0x" + "aB" * 20
    path = tmp_path / "p.csv"
    path.write_text(
        f"asset,time,usd,source\nETH,2026-03-01,3000.000000000000000001,desk\n{token},2026-03-01T01:00+01:00,1,\n"
    )
    env = environment(database)
    for _ in range(2):
        done = run("prices", "import", str(path), env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "2 prices stored\n", "")
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    async with open_pool(database, name="test") as pool:
        eth = ("ETH", midnight, Decimal("3000.000000000000000001"), "desk")
        usdc = ("Ethereum-2/0x" + "ab" * 20, midnight, Decimal(1), "p.csv")
        assert await stored(pool) == [eth, usdc]
        path.write_text("usd,asset,time\n2,ETH,2026-03-01T00:00:00Z\n3,ETH,2026-03-01T00:00:01Z\n")
        assert await import_prices(pool, path) == 2
        assert [row[2] for row in await stored(pool)] == [2, 3, 1]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("ETH,2026-03-01,0", "usd 0 cannot be a price"),
        ("ETH,2026-03-01,-1", "usd -1 cannot be a price"),
        ("ETH,2026-03-01,NaN", "usd NaN cannot be a price"),
        ("ETH,2026-03-01,1e999999", "usd 1E.999999 cannot be a price"),
        ("ETH,2026-03-01,cheap", "Invalid decimal string"),
        ("ETH,yesterday,1", "time 'yesterday' is not ISO 8601"),
        ("ETH,0001-01-01T00:00+10:00,1", "before there were coins"),
        ("ethereum/0x12,2026-03-01,1", "asset 'ethereum/0x12' is neither"),
        (",2026-03-01,1", "missing required field `asset`"),
    ],
)
async def test_a_file_with_a_bad_price_is_refused_whole(database: str, tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"asset,time,usd\nETH,2026-03-01,1\n{line}\n")
    async with open_pool(database, name="test") as pool:
        with pytest.raises(UsageError, match=rf"p\.csv is refused: line 3: .*{fault}"):
            await import_prices(pool, path)
        assert await stored(pool) == []


FEED = "0x" + "fe" * 20
PHASE = 7 << 64
"""What the ids of a feed's rounds begin with."""


def feed_code(*, reverts: bool) -> str:
    """A contract that answers as a feed does, from its storage.

    Slot 0 holds the decimals, slot 1 the id of the newest round; the answer of round n of its phase is in slot
    16 * n, and when it was updated in the slot after that. A round of no time reverts, or is all zeros.
    """
    parts: list[bytes | str] = [
        bytes.fromhex("5f3560e01c"),  # the selector: calldata[0] >> 224
        bytes.fromhex("8063313ce5671460"), "decimals", b"\x57",
        bytes.fromhex("63feaf968c1460"), "latest", b"\x57",
        bytes.fromhex("60043560"), "round", b"\x56",  # getRoundData(uint80), the only other one
        "decimals:", bytes.fromhex("5f545f5260205ff3"),
        "latest:", bytes.fromhex("600154"),
        "round:", bytes.fromhex("805f52806080526" + "1ffff1660041b" + "80546020526001015480604052806060"), b"\x52",
        *([b"\x15\x60", "none", b"\x57"] if reverts else [b"\x50"]),
        bytes.fromhex("60a05ff3"),
        "none:", bytes.fromhex("5f5ffd"),
    ]  # fmt: skip
    places: dict[str, int] = {}
    length = 0
    for part in parts:
        if isinstance(part, str) and part.endswith(":"):
            places[part[:-1]] = length
        length += len(part) if isinstance(part, bytes) else 1
    code = b"".join(
        part if isinstance(part, bytes) else b"\x5b" if part.endswith(":") else bytes([places[part]]) for part in parts
    )
    return "0x" + code.hex()


class Feed:
    """A feed on a running anvil, and the chain that has it."""

    def __init__(self, address: str, *, reverts: bool) -> None:
        self._url = f"http://{address}"
        self.chain = replace(ETHEREUM, chain_id=31337, name="local", price_feed=FEED, endpoints=(self._url,))
        self.rpc("anvil_setCode", FEED, feed_code(reverts=reverts))
        self.store(0, 8)

    def rpc(self, method: str, *parameters: object) -> None:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        assert "error" not in httpx.post(self._url, json=call).json()

    def store(self, slot: int, value: int) -> None:
        word = f"0x{value % (1 << 256):064x}"
        self.rpc("anvil_setStorageAt", FEED, f"0x{slot:064x}", word)

    def answer(self, number: int, answer: int, time: datetime | None) -> None:
        """Write round `number` of the phase, and make it the newest."""
        self.store(16 * number, answer)
        self.store(16 * number + 1, int(time.timestamp()) if time else 0)
        self.store(1, PHASE + number)


@pytest.fixture(params=[False, True], ids=["zeros", "reverts"])
def feed(request: pytest.FixtureRequest) -> Iterator[Feed]:
    """A feed without rounds; a missing round is all zeros, or reverts."""
    with running_anvil() as address:
        yield Feed(address, reverts=request.param)


def at(chain: Chain, scheme: str) -> Chain:
    return replace(chain, endpoints=tuple(url.replace("http", scheme, 1) for url in chain.endpoints))


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_feed_is_read_back_to_a_moment(feed: Feed, scheme: str) -> None:
    chain = at(feed.chain, scheme)
    feed.store(0, 18)
    wei = 3_000_123_456_789_012_345_678
    answers = []
    for number in range(3, 9):
        time = START + number * timedelta(hours=1)
        feed.answer(number, wei * number, time)
        answers.append(Answer(time, Decimal(f"{wei * number}e-18"), PHASE + number))
    assert await read_answers(chain, START) == answers  # rounds 1 and 2 are not there
    assert await read_answers(chain, answers[2].time) == answers[3:]
    assert await read_answers(chain, answers[-1].time) == []
    feed.answer(6, -5, START + timedelta(hours=6))
    feed.store(1, PHASE + 8)
    assert await read_answers(chain, START) == [*answers[:3], *answers[4:]]


async def test_what_is_no_price_is_refused(feed: Feed) -> None:
    for answer, time in ((0, START), (-1, START), (1, datetime(2200, 1, 1, tzinfo=UTC))):
        feed.answer(2, answer, time)
        with pytest.raises(NodeRefused, match=f"answers {answer} at .*, which is no price"):
            await read_answers(feed.chain, START)
    feed.answer(3, 1, None)
    with pytest.raises(NodeRefused, match=r"answers 1 at 0, which is no price|does not answer as a feed"):
        await read_answers(feed.chain, START)
    with pytest.raises(NodeRefused, match="does not answer as a feed"):
        await read_answers(replace(feed.chain, price_feed="0x" + "00" * 19 + "ff"), START)
    with pytest.raises(NodeRefused, match=r"serves chain 31337, not local \(chain 5\)"):
        await read_answers(replace(feed.chain, chain_id=5), START)


async def test_the_next_node_is_asked_when_one_is_silent(feed: Feed) -> None:
    feed.answer(2, 123, START)
    silent = ("http://user:secret@127.0.0.1:9/key", "ws://127.0.0.1:9/key")
    both = replace(feed.chain, endpoints=silent + feed.chain.endpoints)
    assert await read_answers(both, START - DAY) == [Answer(START, Decimal("0.00000123"), PHASE + 2)]
    with pytest.raises(NodeUnavailable, match="cannot be read: connection refused") as failure:
        await read_answers(replace(both, endpoints=silent), START)
    assert "secret" not in str(failure.value)
    assert "key" not in str(failure.value)


async def priced(pool: Pool, count: int) -> list[tuple[str, datetime, Decimal, str]]:
    """The prices, as soon as there are so many."""
    async with asyncio.timeout(60):
        while len(prices := await stored(pool)) < count:  # noqa: ASYNC110 (another process, or web3's sockets)
            await asyncio.sleep(0.02)
    return prices


async def test_new_rounds_are_stored_once_and_a_bad_answer_does_not_end_it(database: str, feed: Feed) -> None:
    source = f"chainlink local {FEED}"
    async with open_pool(database, name="test") as pool:
        feed.answer(4, 300_000_000_000, START)
        feed.answer(5, 310_000_000_000, START + timedelta(hours=1))
        assert [await store_answers(pool, feed.chain, START - DAY) for _ in range(2)] == [2, 0]
        first = [("ETH", START, Decimal(3000), source), ("ETH", START + timedelta(hours=1), Decimal(3100), source)]
        assert await stored(pool) == first
        feed.answer(6, 0, START + timedelta(hours=2))
        with capture_logs() as logs:
            following = asyncio.create_task(follow_price(pool, feed.chain, START - DAY, interval=0.01))
            async with asyncio.timeout(60):
                while not any(line["event"] == "price_unknown" for line in logs):  # noqa: ASYNC110 (a log tells nobody)
                    await asyncio.sleep(0.02)
        feed.answer(7, 1, START + timedelta(hours=3))
        assert await priced(pool, 3) == [*first, ("ETH", START + timedelta(hours=3), Decimal("0.00000001"), source)]
        assert not following.done()
        following.cancel()


async def test_the_worker_reads_the_feeds_of_its_chains(database: str, feed: Feed) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    feed.answer(1, 250_000_000_000, now - 5 * DAY)
    feed.answer(2, 280_000_000_000, now - timedelta(hours=1))
    [url] = feed.chain.endpoints
    given = {"chains__local__chain_id": "31337", "chains__local__price_feed": FEED, "chains__local__symbol": "LOC"}
    async with open_pool(database, name="test") as pool:
        with running("worker", "--chain", "local", "--rpc", url, env=environment(database, **given)):
            prices = await priced(pool, 1)
    assert prices == [("LOC", now - timedelta(hours=1), Decimal(2800), f"chainlink local {FEED}")]
