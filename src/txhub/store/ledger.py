"""The ledger, and the one transaction that commits blocks exactly once.

`txhub.blocks` is written first, in order of number, and only the blocks that came back from it are
copied: whatever overlaps (a follower, backfills, repairs, a second process, a retry after a crash)
writes nothing twice, and a block that does not link to its neighbours is never written. `tests/faults/test_kill.py`
and `tests/integration/test_ledger.py` hold this with killed and competing writers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Context, Decimal
from typing import NamedTuple

from txhub.errors import BehindHorizon, BrokenLink, InTheWay, UsageError
from txhub.eventlog import Component, EventName, Level
from txhub.model import Block, Chain
from txhub.store.events import record_event
from txhub.store.faults import translated
from txhub.store.horizon import steady_in_transaction
from txhub.store.pool import Connection, Pool, Record
from txhub.store.rows import HEADER, TRAILER, Rows, encode
from txhub.store.sqlfiles import queries

_SQL = queries("ledger")
_REORG = queries("reorg")
_NO_LIMIT = 10.0**9
"""Seconds: a follower may wait for its turn as long as the other one lives."""
_KEPT_ALIVE_S = 8.0
_EXACT = Context(prec=120)
"""Room for any sum of base units: the default context would round after 28 digits."""


class Committed(NamedTuple):
    """What a commit added: blocks and transactions that were not there before."""

    blocks: int
    transactions: int


class Tip(NamedTuple):
    """The committed block with the greatest number, or with the greatest below some other."""

    number: int
    hash: bytes
    time: datetime


class Reorg(NamedTuple):
    """Committed blocks that were replaced: `depth` of them, all above the block `ancestor`.

    `from_hash` and `to_hash` are the newest block of the branch that lost and of the one in its place.
    """

    ancestor: int
    depth: int
    from_number: int
    from_hash: bytes
    to_number: int
    to_hash: bytes


class Ledger:
    """Commits blocks of one chain, and knows which it holds."""

    def __init__(self, pool: Pool, chain: Chain) -> None:
        self.chain = chain
        self._pool = pool
        self._days_with_room: set[str] = set()

    async def register(self) -> None:
        """Make the chain known to the database, or update what may change of it.

        Raises:
            UsageError: the database knows this chain id or name as another chain.
        """
        c = self.chain
        values = (c.chain_id, c.name, c.family, c.symbol, c.decimals, c.block_time_s, c.finality_depth)
        with translated():
            known = await self._pool.fetchval(_SQL["register_chain"], *values, c.large_value, c.demo, c.explorer)
        if known is None:
            raise UsageError(
                f"chain id {c.chain_id} is in the database with another family or other decimals than {c.name}'s",
                hint="correct [chains] in txhub.toml, or use another database",
            )

    async def commit(self, blocks: Sequence[Block], *, bulk: bool = False) -> Committed:
        """Commit the blocks that the ledger does not hold yet, all or none of them.

        Args:
            blocks: of this chain, in any order, no number twice.
            bulk: for backfills: straight into the columnstore where there is one, and one event for the whole
                range instead of one for each block.

        Raises:
            BrokenLink: some do not link to their neighbours among these or in the ledger; says which.
            BehindHorizon: some are of a time whose raw rows were dropped; nothing was committed.
            DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was committed, so try again.
        """
        if not blocks:
            return Committed(0, 0)
        ordered = sorted(blocks, key=lambda block: block.number)
        with translated():
            async with self._pool.acquire() as connection:
                await self._make_room(connection, ordered)
                async with connection.transaction():
                    fresh = await self._insert_blocks(connection, ordered)
                    if not fresh:
                        return Committed(0, 0)
                    times = [block.time for block in fresh]
                    await self._stay_above_horizon(connection, min(times))
                    await self._copy(connection, fresh, bulk)
                    numbers = [block.number for block in fresh]
                    await connection.execute(_SQL["after_copy"], self.chain.chain_id, min(times), max(times), numbers)
                    await self._append_events(connection, fresh, bulk)
        return Committed(len(fresh), sum(len(block.transactions) for block in fresh))

    async def replace(self, ancestor: int, winners: Sequence[Block]) -> Reorg | None:
        """Put every block above `ancestor` away as an orphan and commit the winners in their place, in one transaction.

        Rollups are those of the winning branch when it returns, but for ranges that only a refresh brings up to date.
        None where the ledger holds no block above `ancestor`; the winners are committed all the same.

        Raises:
            BrokenLink: the winners do not link to each other or to `ancestor`.
            BehindHorizon: raw rows of the time of some were dropped; nothing was changed.
            DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed, so try again.
        """
        ordered = sorted(winners, key=lambda block: block.number)
        with translated():
            async with self._pool.acquire() as connection:
                if ordered:
                    await self._make_room(connection, ordered)
                async with connection.transaction():
                    losers = await connection.fetch(_REORG["losers"], self.chain.chain_id, ancestor)
                    times = [row["time"] for row in losers] + [block.time for block in ordered]
                    if times:
                        await self._stay_above_horizon(connection, min(times))
                    if losers:
                        reorg = await self._orphan(connection, ancestor, losers, ordered)
                    if len(await self._insert_blocks(connection, ordered)) < len(ordered):
                        raise InTheWay("another writer committed blocks of the branch that lost")
                    await self._copy(connection, ordered, bulk=False)
                    if times:
                        await connection.execute(_REORG["recompute"], self.chain.chain_id, min(times), max(times))
                    await connection.execute(_SQL["take_turn"])
                    if losers:
                        event = self._reorg_event(reorg, min(times), max(times))
                        await self._append(connection, "reorg", [event])
                    await self._append(connection, "block", list(map(self._block_event, ordered)))
        return reorg if losers else None

    async def hashes(self, first: int, last: int) -> dict[int, bytes]:
        """The hash of each committed block in first..last (both included), by number."""
        with translated():
            rows = await self._pool.fetch(_SQL["hashes"], self.chain.chain_id, first, last)
        return {row["number"]: row["hash"] for row in rows}

    async def newest_below(self, number: int) -> Tip | None:
        """The committed block with the greatest number below this one, or None where there is none."""
        with translated():
            row = await self._pool.fetchrow(_SQL["newest_below"], self.chain.chain_id, number)
        return Tip(*row) if row else None

    async def unlinked(self, first: int, last: int) -> list[int]:
        """Committed blocks in first..last (both included) whose parent is committed with another hash, newest first.

        There are none, but for two writers that committed neighbours of different branches at the same moment.
        """
        with translated():
            rows = await self._pool.fetch(_REORG["unlinked"], self.chain.chain_id, first, last)
        return [row["number"] for row in rows]

    async def set_stream(self, state: str, reason: str, endpoint: str | None = None, head: int | None = None) -> None:
        """Say how the chain's stream stands, see `txhub.streams`; an endpoint and a head that are None stay."""
        with translated():
            await self._pool.execute(_SQL["set_stream"], self.chain.chain_id, state, reason, endpoint, head)

    async def tip(self) -> Tip | None:
        """The newest committed block, or None where there is none."""
        with translated():
            row = await self._pool.fetchrow(_SQL["tip"], self.chain.chain_id)
        return Tip(*row) if row else None

    @asynccontextmanager
    async def turn_to_follow(self, waits: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Wait until nobody else follows this chain, and keep others waiting meanwhile; `waits` is told of a wait.

        It only saves work: two followers would fetch each block twice, and still commit it once.
        """
        with translated():
            connection = await self._pool.acquire()
        try:
            with translated():
                if not await connection.fetchval(_SQL["try_to_follow"], self.chain.chain_id):
                    waits()
                    await connection.execute(_SQL["turn_to_follow"], self.chain.chain_id, timeout=_NO_LIMIT)
            async with _kept_alive(connection):
                yield
        finally:
            # A connection that is given back forgets its advisory locks. One that is lost is found out here.
            with translated():
                await self._pool.release(connection)

    async def follow_from(self, number: int) -> int:
        """Promise that nothing from this block on stays missing; the earliest promise ever made is returned."""
        with translated():
            return int(await self._pool.fetchval(_SQL["follow_from"], self.chain.chain_id, number))

    async def missing(self, first: int, last: int, limit: int = 1000) -> list[range]:
        """Runs of block numbers in first..last (both included) that are not committed, newest first."""
        with translated():
            rows = await self._pool.fetch(_SQL["missing"], self.chain.chain_id, first, last, limit)
        return [range(row["first"], row["last"] + 1) for row in rows]

    async def record(self, level: Level, component: Component, event: EventName, **details: object) -> None:
        """Write a line of the event log: what an operator has to know of this chain."""
        await record_event(self._pool, level, component, event, self.chain.chain_id, **details)

    async def _make_room(self, connection: Connection, ordered: Sequence[Block]) -> None:
        days = {block.time.date().isoformat() for block in ordered}
        if not days <= self._days_with_room:
            times = [block.time for block in ordered]
            await connection.execute(_SQL["make_room"], min(times), max(times))
            self._days_with_room |= days

    async def _stay_above_horizon(self, connection: Connection, first: datetime) -> None:
        horizon = await steady_in_transaction(connection)
        if horizon is not None and first < horizon:
            raise BehindHorizon(
                f"{self.chain.name} blocks of {first:%Y-%m-%d} cannot be written: raw rows before"
                f" {horizon:%Y-%m-%d} were dropped, and the rollups are all that is left of them",
                hint=f"run `txhub archive restore --from {first:%Y-%m-%d}` first",
            )

    async def _insert_blocks(self, connection: Connection, ordered: Sequence[Block]) -> list[Block]:
        rows = await connection.fetch(
            _SQL["insert_blocks"],
            self.chain.chain_id,
            [block.number for block in ordered],
            [block.hash for block in ordered],
            [block.parent_hash for block in ordered],
            [block.time for block in ordered],
            [block.tx_count for block in ordered],
            [block.dropped_count for block in ordered],
            [block.gas_used for block in ordered],
            [block.gas_limit for block in ordered],
            [block.base_fee for block in ordered],
            [block.size for block in ordered],
        )
        numbers = {row["number"] for row in rows}
        fresh = [block for block in ordered if block.number in numbers]
        await self._check_links(connection, fresh)
        return fresh

    async def _check_links(self, connection: Connection, fresh: Sequence[Block]) -> None:
        links = {block.number: (block.parent_hash, block.hash) for block in fresh}
        beside = {number + step for number in links for step in (-1, 1)} - links.keys()
        rows = await connection.fetch(_SQL["links"], self.chain.chain_id, list(beside)) if beside else []
        links |= {row["number"]: (row["parent_hash"], row["hash"]) for row in rows}
        broken = tuple(
            block.number
            for block in fresh
            if links.get(block.number - 1, (None, block.parent_hash))[1] != block.parent_hash
            or links.get(block.number + 1, (block.hash, None))[0] != block.hash
        )
        if broken:
            raise BrokenLink(
                f"{self.chain.name} block {broken[0]} does not link to the blocks beside it",
                numbers=broken,
                hint="a reorg is under way, or the node mixes two branches; it is asked again",
            )

    async def _copy(self, connection: Connection, fresh: Sequence[Block], bulk: bool) -> None:
        await connection.execute(_SQL["before_copy"], bulk)
        for table, rows in (
            ("transactions", [block.transactions for block in fresh]),
            ("token_transfers", [block.token_transfers for block in fresh]),
            ("utxo_io", [block.utxo_io for block in fresh]),
        ):
            if any(rows):
                await connection.copy_to_table(table, schema_name="txhub", source=_encoded(rows), format="binary")

    async def _orphan(
        self, connection: Connection, ancestor: int, losers: Sequence[Record], winners: Sequence[Block]
    ) -> Reorg:
        newest = losers[-1]
        if winners:
            to_number, to_hash = winners[-1].number, winners[-1].hash
        else:
            [shared] = await connection.fetch(_SQL["links"], self.chain.chain_id, [ancestor])
            to_number, to_hash = ancestor, shared["hash"]
        reorg = Reorg(ancestor, len(losers), newest["number"], newest["hash"], to_number, to_hash)
        lost = sum(row["tx_count"] for row in losers)
        won = sum(block.tx_count for block in winners)
        key = await connection.fetchval(_REORG["record_reorg"], self.chain.chain_id, *reorg, lost, won)
        times = [row["time"] for row in losers]
        for table in ("transactions", "token_transfers", "utxo_io"):
            span = (self.chain.chain_id, ancestor, min(times), max(times))
            await connection.execute(_REORG[f"keep_{table}"], *span, key)
            await connection.execute(_REORG[f"delete_{table}"], *span)
        await connection.execute(_REORG["keep_blocks"], self.chain.chain_id, ancestor, key)
        await connection.execute(_REORG["delete_blocks"], self.chain.chain_id, ancestor)
        return reorg

    async def _append_events(self, connection: Connection, fresh: Sequence[Block], bulk: bool) -> None:
        event, data = (
            ("backfill", [self._range_event(fresh)]) if bulk else ("block", list(map(self._block_event, fresh)))
        )
        await connection.execute(_SQL["take_turn"])
        await self._append(connection, event, data)

    async def _append(self, connection: Connection, event: str, data: list[dict[str, object]]) -> None:
        if data:
            await connection.execute(_SQL["append_events"], event, self.chain.chain_id, list(map(json.dumps, data)))

    def _hash_text(self, block_hash: bytes) -> str:
        return ("0x" if self.chain.family == "evm" else "") + block_hash.hex()

    def _reorg_event(self, reorg: Reorg, start: datetime, end: datetime) -> dict[str, object]:
        return {
            "chain": self.chain.name,
            **reorg._asdict(),
            "from_hash": self._hash_text(reorg.from_hash),
            "to_hash": self._hash_text(reorg.to_hash),
            "start": start.isoformat(),
            "end": end.isoformat(),
        }

    def _block_event(self, block: Block) -> dict[str, object]:
        total = Decimal(sum(int(transaction.value) for transaction in block.transactions))
        return {
            "chain": self.chain.name,
            "number": block.number,
            "hash": self._hash_text(block.hash),
            "time": block.time.isoformat(),
            "tx_count": block.tx_count,
            "value": format(total.scaleb(-self.chain.decimals, _EXACT).normalize(_EXACT), "f"),
            "symbol": self.chain.symbol,
        }

    def _range_event(self, fresh: Sequence[Block]) -> dict[str, object]:
        times = [block.time for block in fresh]
        return {
            "chain": self.chain.name,
            "from_block": fresh[0].number,
            "to_block": fresh[-1].number,
            "blocks": len(fresh),
            "tx_count": sum(block.tx_count for block in fresh),
            "start": min(times).isoformat(),
            "end": max(times).isoformat(),
        }


async def _encoded(blocks: Iterable[Rows]) -> AsyncIterator[bytes]:
    """Rows as COPY takes them, block by block; others have their turn between two."""
    yield HEADER
    for rows in blocks:
        yield encode(rows)
        await asyncio.sleep(0)
    yield TRAILER


@asynccontextmanager
async def _kept_alive(connection: Connection) -> AsyncIterator[None]:
    """Use a connection that only holds a lock now and then: the server takes the lock from one that is silent."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(_KEPT_ALIVE_S)
            await connection.execute("SELECT")

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
