"""The questions of docs/sql.md over recorded blocks, against what is counted from their JSON without any SQL."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.blocks import BASE, ETHEREUM, make_block
from tests.conftest import open_database
from tests.data import FIRST, LAST
from tests.unit.test_decode import Tree, mainnet
from tests.unit.test_receipts import FACTS, TRANSFER, decode, receipts
from txhub.contract import Kind
from txhub.model import Block, Transaction
from txhub.rollup.hours import close_hours
from txhub.rollup.refresh import catch_up
from txhub.store.analyst import ANALYST
from txhub.store.edition import Edition
from txhub.store.lane import Lane
from txhub.store.ledger import Ledger
from txhub.store.migrate import migrate
from txhub.store.pool import open_pool
from txhub.store.server import Server

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sql.md").read_text(encoding="utf-8")
QUESTIONS: dict[int, str] = {
    int(number): statement
    for number, statement in re.findall(
        r"^### (\d+)\. .+?\n```sql\n(.+?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL
    )
}
NOW = datetime(2023, 9, 20, tzinfo=UTC)
HOUR = datetime(2023, 9, 8, 7, tzinfo=UTC)
WEEK = timedelta(days=7)
MISSING = 18_090_210
WALLET = "0x28c6c06298d514db089934071355e5743bf21d60"
TOKENS = {
    "0xdac17f958d2ee523a2206206994597c13d831ec7": ("USDT", 6),
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": ("USDC", 6),
    "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2": ("WETH", 18),
}
PRICE = Decimal("1640.12")
BASE_BLOCKS = [
    make_block(number, chain=BASE, transactions=3, start=HOUR - WEEK)
    for number in (*range(100), *range(302_400, 302_450))
]
"""A hundred blocks of an hour, and half as many of the same hour a week later."""


class Sent(NamedTuple):
    """A recorded transaction, by its JSON."""

    time: datetime
    number: int
    tx_index: int
    hash: str
    sender: str
    receiver: str | None
    value: int
    input_size: int
    kind: str
    success: bool | None
    fee: int | None
    logs: list[Tree]


def recorded_blocks() -> list[Block]:
    """The recorded blocks, with receipts where those are recorded."""
    trees = ((int(tree["number"], 16), tree) for tree in mainnet())
    return [decode(tree, receipts(number) if number in FACTS else None) for number, tree in trees if number != MISSING]


def recorded_transactions() -> list[Sent]:
    kinds = {(row.block_number, row.tx_index): row.kind for block in recorded_blocks() for row in block.transactions}
    found = []
    for tree in mainnet():
        number = int(tree["number"], 16)
        if number == MISSING:
            continue
        said = receipts(number) if number in FACTS else [None] * len(tree["transactions"])
        for sent, receipt in zip(tree["transactions"], said, strict=True):
            index = int(sent["transactionIndex"], 16)
            found.append(
                Sent(
                    time=datetime.fromtimestamp(int(tree["timestamp"], 16), UTC),
                    number=number,
                    tx_index=index,
                    hash=sent["hash"],
                    sender=sent["from"].lower(),
                    receiver=sent["to"] and sent["to"].lower(),
                    value=int(sent["value"], 16),
                    input_size=len(sent["input"]) // 2 - 1,
                    kind=kinds[number, index],
                    success=None if receipt is None else receipt["status"] == "0x1",
                    fee=None
                    if receipt is None
                    else int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16),
                    logs=[] if receipt is None else receipt["logs"],
                )
            )
    return found


async def fill(url: str) -> None:
    """Commit the recorded blocks, the newest after one that loses to it, and what is known of coins and tokens."""
    *blocks, newest = recorded_blocks()
    lost = newest.transactions[-1]._replace(tx_index=len(newest.transactions), hash=b"\x77" * 32)
    loser = replace(newest, hash=b"\x99" * 32, transactions=[*newest.transactions, lost])
    async with open_pool(url, name="test") as pool:
        ethereum, base = Ledger(pool, ETHEREUM), Ledger(pool, BASE)
        for ledger in (ethereum, base):
            await ledger.register()
        await ethereum.commit(blocks, bulk=True)
        await ethereum.commit([loser])
        await ethereum.replace(newest.number - 1, [newest])
        await base.commit(BASE_BLOCKS, bulk=True)
        await pool.execute("INSERT INTO txhub.prices VALUES ('ETH', $1, $2, 'test')", HOUR, PRICE)
        await pool.executemany(
            "INSERT INTO txhub.tokens VALUES (1, txhub.addr($1), $2, $3, 'test')",
            [(address, *said) for address, said in TOKENS.items()],
        )
        while await catch_up(pool, NOW):
            pass
        await close_hours(pool, NOW)


@pytest.fixture(scope="module", params=list(Edition), ids=str)
def mainnet_url(request: pytest.FixtureRequest, servers: Callable[[Edition], Server]) -> Iterator[str]:
    """The URL of a database with the recorded blocks; tests only read it."""
    mainnet()
    with open_database(servers(request.param)) as url:
        migrate(url)
        asyncio.run(fill(url))
        yield url


@pytest.fixture(scope="module")
def sent() -> list[Sent]:
    return recorded_transactions()


def coins(amount: int, decimals: int = 18) -> Decimal:
    return Decimal(amount).scaleb(-decimals)


def share(part: int, whole: int) -> float:
    return float(Fraction(part, whole))


def minute(time: datetime) -> datetime:
    return time.replace(second=0)


def base_rows(hour: datetime) -> list[Transaction]:
    return [row for block in BASE_BLOCKS for row in block.transactions if hour <= row.block_time < hour + WEEK]


def erc20(sent: list[Sent]) -> Iterator[tuple[Sent, str, str, str, int]]:
    """Transfers of ERC-20 tokens: the transaction, the token, who gave, who got, how much."""
    for each in sent:
        for log in each.logs:
            if log["topics"][:1] == [TRANSFER] and len(log["topics"]) == 3:
                giver, getter = (f"0x{topic[26:]}" for topic in log["topics"][1:])
                yield each, log["address"], giver, getter, int(log["data"], 16)


def rate(sent: list[Sent]) -> list[tuple[Any, ...]]:
    return sorted(Counter(minute(each.time) for each in sent).items())


def busiest(sent: list[Sent]) -> list[tuple[Any, ...]]:
    minutes = Counter([("ethereum", minute(each.time)) for each in sent])
    minutes.update(("base", minute(row.block_time)) for row in base_rows(HOUR))
    peaks = []
    for chain in ("ethereum", "base"):
        count, _, at = max((count, -time.timestamp(), time) for (name, time), count in minutes.items() if name == chain)
        peaks.append((chain, at, count))
    return sorted(peaks, key=lambda peak: (-peak[2], peak[0]))


def values_by_kind(sent: list[Sent]) -> list[tuple[Any, ...]]:
    answer = []
    for kind in Kind:
        values = sorted(each.value for each in sent if each.kind == kind)
        if values:
            middle = coins(values[(len(values) + 1) // 2 - 1])
            answer.append((kind.value, len(values), share(sum(values), len(values) * 10**18), middle))
    return answer


def largest(sent: list[Sent]) -> list[tuple[Any, ...]]:
    ordered = sorted(sent, key=lambda each: (-each.value, each.hash))
    return [(each.time, each.hash, each.sender, each.receiver, coins(each.value)) for each in ordered[:10]]


def senders(sent: list[Sent]) -> list[tuple[Any, ...]]:
    counts = Counter(each.sender for each in sent)
    sums: Counter[str] = Counter()
    for each in sent:
        sums[each.sender] += each.value
    ordered = sorted(sums, key=lambda sender: (-sums[sender], sender))
    return [(sender, Decimal(counts[sender]), coins(sums[sender])) for sender in ordered[:10]]


def history(sent: list[Sent]) -> list[tuple[Any, ...]]:
    moves: list[tuple[Sent, str | None, str, str | None, int]]
    moves = [(each, None, each.sender, each.receiver, each.value) for each in sent]
    moves += erc20(sent)
    rows = []
    for each, token, giver, getter, amount in moves:
        unit, decimals = ("ETH", 18) if token is None else TOKENS.get(token, (None, 0))
        for address, direction, other in ((giver, "out", getter), (getter, "in", giver)):
            if address == WALLET:
                order = (each.number, each.tx_index, unit is None, unit or "", coins(amount, decimals))
                rows.append((order, (each.time, direction, other, unit, coins(amount, decimals))))
    return [row for _, row in sorted(rows, key=lambda row: row[0])]


def failed(_: list[Sent]) -> list[tuple[Any, ...]]:
    known, lost = sum(fact[0] for fact in FACTS.values()), sum(fact[1] for fact in FACTS.values())
    return [(HOUR, Decimal(known), Decimal(lost), share(lost, known))]


def fees(sent: list[Sent]) -> list[tuple[Any, ...]]:
    ethereum = sum(each.fee for each in sent if each.fee is not None)
    base = sum(int(row.fee) for row in base_rows(HOUR) if row.fee is not None)
    return [(HOUR, "base", coins(base), "ETH"), (HOUR, "ethereum", coins(ethereum), "ETH")]


def gaps(_: list[Sent]) -> list[tuple[Any, ...]]:
    times = {int(tree["number"], 16): datetime.fromtimestamp(int(tree["timestamp"], 16), UTC) for tree in mainnet()}
    return [(MISSING, MISSING, times[MISSING - 1], times[MISSING + 1])]


def reorgs(_: list[Sent]) -> list[tuple[Any, ...]]:
    newest = mainnet()[-1]
    lost = len(newest["transactions"]) + 1
    return [(LAST - 1, 1, LAST, "0x" + "99" * 32, newest["hash"], lost, 1)]


def tokens(sent: list[Sent]) -> list[tuple[Any, ...]]:
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for _, token, _, _, amount in erc20(sent):
        if token in TOKENS:
            counts[token] += 1
            sums[token] += amount
    rows = [(TOKENS[token][0], Decimal(counts[token]), coins(sums[token], TOKENS[token][1])) for token in counts]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def creations(sent: list[Sent]) -> list[tuple[Any, ...]]:
    assert not [each for each in sent if each.receiver is None]
    return [
        ("base", row.block_time, f"0x{row.hash.hex()}", f"0x{row.from_address.hex()}", row.input_size, row.success)
        for row in base_rows(HOUR)
        if row.to_address is None and row.from_address
    ]


def week_over_week(_: list[Sent]) -> list[tuple[Any, ...]]:
    after, before = len(base_rows(HOUR)), len(base_rows(HOUR - WEEK))
    return [("base", HOUR, Decimal(after), Decimal(before), share(after - before, before))]


def dollars(sent: list[Sent]) -> list[tuple[Any, ...]]:
    rows = [
        (each.hash, coins(each.value), "ETH", (coins(each.value) * PRICE).quantize(Decimal("0.01"), ROUND_HALF_UP))
        for each in sent
    ]
    return sorted(rows, key=lambda row: (-row[3], row[0]))[:5]


def coverage(sent: list[Sent]) -> list[tuple[Any, ...]]:
    expected = LAST - FIRST + 1
    return [(HOUR, expected - 1, expected, share(expected - 1, expected), len(sent))]


ANSWERS: dict[int, Callable[[list[Sent]], list[tuple[Any, ...]]]] = {
    1: rate,
    2: busiest,
    3: values_by_kind,
    4: largest,
    5: senders,
    6: history,
    7: failed,
    8: fees,
    9: gaps,
    10: reorgs,
    11: tokens,
    12: creations,
    13: week_over_week,
    14: dollars,
    15: coverage,
}


@pytest.mark.parametrize("number", ANSWERS, ids=lambda number: ANSWERS[number].__name__)
async def test_a_documented_question_has_the_answer_that_was_counted_without_sql(
    mainnet_url: str, sent: list[Sent], number: int
) -> None:
    found = await Lane(mainnet_url).answer(QUESTIONS[number], max_rows=1000, patience=timedelta(seconds=20))
    exact = [kind == "numeric" for kind in found.types]
    rows = [
        tuple(Decimal(cell) if cell and each else cell for cell, each in zip(row, exact, strict=True))
        for row in found.frame.iter_rows()
    ]
    expected = ANSWERS[number](sent)
    assert expected
    assert rows == expected


def test_every_documented_question_is_tested() -> None:
    assert list(QUESTIONS) == list(ANSWERS)


def test_the_document_lists_what_analysts_can_read(mainnet_url: str) -> None:
    [table] = re.findall(r"^\| to read .+?\n\n", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    listed = {name for row in table.strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    readable = """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'txhub'::regnamespace AND relkind IN ('r', 'p', 'v')
          AND has_table_privilege(%s, oid, 'SELECT')
    """
    with psycopg.connect(mainnet_url) as connection:
        assert {name for (name,) in connection.execute(readable, [ANALYST])} == listed
