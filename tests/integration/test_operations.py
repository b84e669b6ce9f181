"""How txhub itself stands, over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import msgspec

from tests.asking import asking
from txhub.contract import Operations
from txhub.rollup.catalog import HYPERTABLES, ROLLUPS
from txhub.store.edition import Edition
from txhub.store.pool import open_pool

SINCE = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
STATE = """
INSERT INTO txhub.chains (chain_id, name, family, symbol, decimals, block_time_s, finality_depth, large_value)
VALUES (1, 'ethereum', 'evm', 'ETH', 18, 12, 64, 100);
INSERT INTO txhub.findings (name, chain_id, level, since, says, ended_at) VALUES
    ('gap_found', 1, 'warning', '2026-03-01 22:30+00', '3 blocks are missing', NULL),
    ('disk_filling', NULL, 'error', '2026-03-01 22:30+00', 'the disk of the database is 97 % full', NULL),
    ('stream_down', 1, 'error', '2026-03-01 22:30+00', 'no block for 10 min', now());
INSERT INTO txhub.archive_manifest (chain_id, table_name, day, path, rows, value_sum, fee_sum, wide, bytes, ledger,
                                    verified_at, dropped_at, restored_at) VALUES
    (1, 'transactions', '2026-02-01', 'a', 10, 0, 0, false, 1000, '', now(), now(), NULL),
    (1, 'transactions', '2026-02-02', 'b', 20, 0, 0, false, 3000, '', now(), now(), now()),
    (1, 'transactions', '2026-02-03', 'c', 5, 0, 0, false, 500, '', NULL, NULL, NULL);
"""


async def operations(api: httpx.AsyncClient) -> Operations:
    answer = await api.get("/v1/operations")
    return msgspec.json.decode(answer.content, type=Operations)


async def test_every_rollup_and_table_is_told(api: httpx.AsyncClient) -> None:
    state = await operations(api)
    assert [each.name for each in state.rollups] == [rollup.name for rollup in ROLLUPS]
    assert [each.name for each in state.tables] == list(HYPERTABLES)
    assert all(each.bytes >= 0 and each.chunks >= each.columnstore_chunks for each in state.tables)
    assert next(each for each in state.tables if each.name == "transactions").chunks > 0
    assert any(each.compress_after_s is None for each in state.tables) == (state.edition == Edition.PLAIN)
    assert (state.horizon, state.findings, state.archive) == (None, [], [])


async def test_what_is_wrong_comes_worst_first_and_the_archive_is_counted(database: str) -> None:
    async with open_pool(database, name="test") as pool:
        await pool.execute(STATE)
    async with asking(database) as api:
        state = await operations(api)
    assert [(each.name, each.chain, each.level) for each in state.findings] == [
        ("disk_filling", None, "error"),
        ("gap_found", "ethereum", "warning"),
    ]
    assert {each.since for each in state.findings} == {SINCE}
    [archive] = state.archive
    assert (archive.chain, archive.table, archive.partitions) == ("ethereum", "transactions", 3)
    assert (archive.first_day, archive.last_day) == (date(2026, 2, 1), date(2026, 2, 3))
    assert (archive.rows, archive.bytes, archive.verified, archive.dropped) == (35, 4500, 2, 1)
