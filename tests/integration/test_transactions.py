"""Pages of transactions against the rows that were committed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.sample import BLOCKS, CHAINS, NOW
from txhub.contract import Transaction
from txhub.model import Transaction as Row
from txhub.query.transactions import read_transactions
from txhub.store.coldread import ColdReader
from txhub.store.place import Place
from txhub.store.read import Reader

Condition = Callable[[Row], bool]
ROWS = sorted(
    (row for blocks in BLOCKS.values() for block in blocks for row in block.transactions),
    key=lambda row: (row.block_time, row.chain_id, row.block_number, row.tx_index),
    reverse=True,
)
NAMES = {chain.chain_id: chain for chain in CHAINS.values()}
SENDER = (7).to_bytes(20, "big")
SENDER_TEXT = "0x" + SENDER.hex()


COLD = ColdReader(Place("memory://nothing"))


async def every_page(reader: Reader, limit: int, **question: Any) -> list[Transaction]:
    found: list[Transaction] = []
    cursor = None
    while True:
        page = (await read_transactions(reader, COLD, now=NOW, limit=limit, cursor=cursor, **question)).as_contract()
        found += page.items
        assert len(page.items) <= limit
        if page.next is None:
            return found
        assert len(page.items) == limit
        cursor = page.next


def place(found: Transaction) -> tuple[str, int, int]:
    return found.chain, found.block_number, found.tx_index


def coins(row: Row) -> Decimal:
    return row.value.scaleb(-NAMES[row.chain_id].decimals)


CASES: list[tuple[dict[str, Any], Condition]] = [
    ({}, lambda row: True),
    ({"chain": ["base", "bitcoin"]}, lambda row: row.chain_id in (8453, 0)),
    ({"kind": ["transfer", "contract_creation"]}, lambda row: row.kind in ("transfer", "contract_creation")),
    ({"from_": [SENDER_TEXT]}, lambda row: row.from_address == SENDER),
    ({"to": [SENDER_TEXT.upper().replace("X", "x")]}, lambda row: row.to_address == SENDER),
    ({"address": [SENDER_TEXT]}, lambda row: SENDER in (row.from_address, row.to_address)),
    ({"min_value": "0.5"}, lambda row: coins(row) >= Decimal("0.5")),
    ({"max_value": "0.00000001"}, lambda row: coins(row) <= Decimal("0.00000001")),
    ({"min_value": "100", "max_value": "500000"}, lambda row: 100 <= coins(row) <= 500_000),
    (
        {"start": "2026-03-01T22:40:00Z", "end": "2026-03-01T22:42:00Z"},
        lambda row: "22:40:00" <= row.block_time.strftime("%H:%M:%S") < "22:42:00",
    ),
    ({"start": "2026-03-01T23:45:00Z"}, lambda row: row.block_time.strftime("%H:%M") >= "23:45"),
    (
        {"chain": ["ethereum"], "kind": ["transfer"], "address": [SENDER_TEXT], "min_value": "0.1"},
        lambda row: (
            row.chain_id == 1
            and row.kind == "transfer"
            and SENDER in (row.from_address, row.to_address)
            and coins(row) >= Decimal("0.1")
        ),
    ),
]


@pytest.mark.parametrize(("question", "condition"), CASES, ids=lambda case: str(case) if isinstance(case, dict) else "")
async def test_conditions_and_order(reader: Reader, question: dict[str, Any], condition: Condition) -> None:
    wanted = [(NAMES[row.chain_id].name, row.block_number, row.tx_index) for row in ROWS if condition(row)]
    assert wanted
    assert [place(found) for found in await every_page(reader, 1000, **question)] == wanted


async def test_pages_of_any_size_make_the_same_list(reader: Reader) -> None:
    """Pages end inside blocks and inside seconds that several chains share."""
    question = {"start": "2026-03-01T22:30:00Z", "end": "2026-03-01T22:31:00Z"}
    whole = [place(found) for found in await every_page(reader, 1000, **question)]
    for limit in (1, 2, 7, 50):
        assert [place(found) for found in await every_page(reader, limit, **question)] == whole


async def test_every_field_is_as_it_was_committed(reader: Reader) -> None:
    found = await every_page(reader, 1000)
    for shown, row in zip(found, ROWS, strict=True):
        chain = NAMES[row.chain_id]
        prefix = "0x" if chain.family == "evm" else ""
        assert (shown.chain, shown.symbol) == (chain.name, chain.symbol)
        assert shown.hash == prefix + row.hash.hex()
        for text, stored in ((shown.from_address, row.from_address), (shown.to_address, row.to_address)):
            if stored is None:
                assert text is None
            else:
                assert text == (prefix + stored.hex() if prefix else stored.decode())
        assert shown.value_base == str(row.value)
        assert Decimal(shown.value) == coins(row)
        assert "E" not in shown.value
        assert (None if shown.fee is None else Decimal(shown.fee)) == (
            None if row.fee is None else row.fee.scaleb(-chain.decimals)
        )
        assert shown.method_id == (None if row.method_id is None else "0x" + row.method_id.hex())
        same = ("block_time", "kind", "gas_used", "gas_price", "tx_type", "input_size", "nonce", "success")
        assert all(getattr(shown, name) == getattr(row, name) for name in same)
