"""Rows encoded by txhub arrive as those that asyncpg encodes."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from txhub.model import CoinMove, TokenTransfer, Transaction
from txhub.store.pool import open_pool
from txhub.store.rows import COLUMNS, HEADER, TRAILER, encode

AMOUNTS = [Decimal(amount) for amount in (0, 1, 9_999, 10_000, 10**18, 10**20 + 1, 21 * 10**14, (1 << 256) - 1)]
BIGINTS = [0, 1, (1 << 63) - 1, -(1 << 63)]
INTS = [0, 1, (1 << 31) - 1, -(1 << 31)]
TIMES = [datetime(2009, 1, 3, 18, 15, 5, tzinfo=UTC), datetime(2023, 9, 8, 7, 27, 35, 123_456, tzinfo=UTC)]
TIMES += [datetime(1999, 12, 31, 23, 59, 59, 1, tzinfo=UTC)]
TABLES = {"transactions": Transaction, "token_transfers": TokenTransfer, "utxo_io": CoinMove}
NULLABLE = {"from_address", "to_address", "fee", "gas_used", "gas_price", "method_id", "nonce", "success", "token_id"}


def values(name: str, table: str) -> Sequence[Any]:
    match name:
        case "value" | "fee" | "token_id" | "amount":
            return AMOUNTS
        case "block_time":
            return TIMES
        case "block_number" | "gas_used" | "gas_price" | "nonce":
            return BIGINTS
        case "tx_type":
            return [0, 2, 127, -32_768, 32_767]
        case "kind":
            return ["transfer", "contract_creation", "coinbase"]
        case "standard":
            return ["erc20", "erc1155"]
        case "side":
            return ["in", "out"]
        case "success":
            return [True, False]
        case "hash" | "from_address" | "to_address" | "address" | "token_address" | "method_id" | "script":
            return [
                b"",
                b"\xa9\x05\x9c\xbb",
                bytes(range(20)),
                b"bc1q" + b"x" * 58,
                bytes(255),
                bytes(256),
                bytes(4_000),
            ]
    assert name in {"chain_id", "tx_index", "log_index", "input_size", "n"}, f"{table}.{name} is not tested"
    return INTS


def made(table: str, count: int) -> list[Any]:
    chance = random.Random(table)
    kind = TABLES[table]
    nullable = NULLABLE if table == "transactions" else {"token_id", "address"}
    return [
        kind(
            *(
                None if name in nullable and chance.random() < 0.2 else chance.choice(values(name, table))
                for name in kind._fields
            )
        )
        for _ in range(count)
    ]


async def test_each_table_holds_the_same_as_by_asyncpg(database: str) -> None:
    async with open_pool(database, name="test") as pool, pool.acquire() as connection:
        for time in TIMES:
            await connection.execute("SELECT txhub_rollup.make_room($1, $1)", time)
        for table, kind in TABLES.items():
            assert tuple(COLUMNS[kind]) == kind._fields
            rows = made(table, 300)
            stored = []
            for source in (None, HEADER + encode(rows[:100]) + encode([]) + encode(rows[100:]) + TRAILER):
                transaction = connection.transaction()
                await transaction.start()
                if source is None:
                    await connection.copy_records_to_table(
                        table, schema_name="txhub", columns=kind._fields, records=rows
                    )
                else:
                    await connection.copy_to_table(
                        table, schema_name="txhub", source=io.BytesIO(source), format="binary"
                    )
                stored.append(await connection.fetch(f"SELECT t::text FROM txhub.{table} t ORDER BY 1"))
                await transaction.rollback()
            assert len(stored[0]) == 300
            assert stored[0] == stored[1]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"value": Decimal(-1)}, ValueError),
        ({"value": Decimal("0.5")}, ValueError),
        ({"fee": Decimal("1E-18")}, ValueError),
        ({"tx_type": 1 << 15}, struct.error),
        ({"nonce": 1 << 63}, struct.error),
        ({"tx_index": 1 << 31}, struct.error),
    ],
)
def test_what_no_column_holds_is_refused(change: dict[str, Any], fault: type[Exception]) -> None:
    [row] = made("transactions", 1)
    with pytest.raises(fault):
        encode([row._replace(**change)])
