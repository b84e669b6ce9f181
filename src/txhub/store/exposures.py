"""Exposures: transactions of watched addresses, and of those who dealt with one shortly before or after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from txhub.store.faults import translated
from txhub.store.pool import Pool, Record
from txhub.store.sqlfiles import queries

HOP_WINDOW = timedelta(days=7)
"""How long before or after it dealt with a watched address an intermediate's own transactions count."""
MOST_TRANSFERS = 100
"""An intermediate that makes more transfers within the window is a service, such as an exchange: it is not followed."""
MOST_PARTIES = 100
"""Of a transaction with more parties on the other side none is named, and none is followed."""
_SQL = queries("exposures")


class Exposure(NamedTuple):
    """A row of `txhub.exposures`, in the order of its columns, but for what the database fills in."""

    chain_id: int
    block_number: int
    block_time: datetime
    tx_index: int
    hash: bytes
    address: bytes
    direction: str
    token_address: bytes | None
    via: bytes | None
    link_hash: bytes | None
    link_time: datetime | None
    parties: tuple[bytes, ...]
    amount: int
    failed: bool

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it apart from the others of its chain."""
        return (self.block_number, self.tx_index, self.address, self.direction, self.token_address, self.via)

    @property
    def place(self) -> tuple[int, int]:
        """Where its transaction stands in the chain: the block's number, and the position in it."""
        return (self.block_number, self.tx_index)


class Reconciled(NamedTuple):
    """What a call of `reconcile` did, by exposure."""

    added: list[Exposure]
    removed: list[Exposure]
    changed: list[Exposure]


async def read_direct(
    pool: Pool, chain_id: int, start: datetime, end: datetime, addresses: Sequence[bytes] | None = None
) -> list[Exposure]:
    """The direct exposures of a chain within [start, end): of these watched addresses, or of all."""
    with translated():
        rows = await pool.fetch(_SQL["direct"], chain_id, start, end, addresses)
    return [_exposure(row) for row in rows]


async def read_indirect(
    pool: Pool, chain_id: int, start: datetime, end: datetime, pairs: Iterable[tuple[bytes, bytes]]
) -> list[Exposure]:
    """The indirect exposures of a chain within [start, end) by these pairs of a watched address and an intermediate."""
    watched, via = _columns(pairs)
    with translated():
        rows = await pool.fetch(_SQL["indirect"], chain_id, start, end, watched, via)
    return [_exposure(row) for row in rows]


async def reconcile(
    pool: Pool, standing: Iterable[Exposure], found: Iterable[Exposure], screening: int | None = None
) -> Reconciled:
    """Let exposures of a chain that stand in the table be those that are found, and no others.

    Args:
        pool: of a migrated database.
        standing: those in the table, of what was looked at.
        found: all that is found there, no key twice.
        screening: the search of history that found them; None: they were found as they were committed.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed, so try again.
    """
    known = {each.key: each for each in standing}
    wanted = {each.key: each for each in found}
    done = Reconciled(
        [each for key, each in wanted.items() if key not in known],
        [each for key, each in known.items() if key not in wanted],
        [each for key, each in wanted.items() if key in known and known[key] != each],
    )
    if any(done):
        with translated():
            async with pool.acquire() as connection, connection.transaction():
                await connection.executemany(_SQL["remove"], [(each.chain_id, *each.key) for each in done.removed])
                rows = [
                    (*each._replace(parties=list(each.parties), amount=Decimal(each.amount)), screening)  # type: ignore[arg-type]
                    for each in (*done.added, *done.changed)
                ]
                await connection.executemany(_SQL["put"], rows)
    return done


def _exposure(row: Record) -> Exposure:
    exposure = Exposure(*row)
    return exposure._replace(parties=tuple(exposure.parties), amount=int(exposure.amount))


def _columns(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[list[bytes], list[bytes]]:
    listed = list(pairs)
    return [first for first, _ in listed], [second for _, second in listed]
