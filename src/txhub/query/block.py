"""One block: what it says of itself, what its transactions add up to, and whether it stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from txhub.contract import BlockDetail, BlockHeader, ChainInfo, Kind, KindCount, Source, Status
from txhub.errors import NotFound, UsageError
from txhub.query.amount import whole_coins
from txhub.query.chains import read_chains
from txhub.query.choice import chains_of
from txhub.query.explorer import block_link
from txhub.query.hash import hash_in
from txhub.query.height import block_number, is_number
from txhub.query.standing import confirmations_of, status_of
from txhub.store.coldread import ColdReader, ColdRows, DroppedFile, dropped_files
from txhub.store.read import Reader
from txhub.store.sqlfiles import queries

_SQL = queries("blocks")
_MOST_COLD = 100_000
"""Transactions or transfers of a block that are read of the archive."""


class _Sums(NamedTuple):
    """What the rows of a block add up to, base units."""

    kinds: pl.DataFrame
    """kind, tx_count, known_count, failed_count, and as decimal text value, value_max and fees."""
    transfers: int
    source: Source


async def read_block(reader: Reader, cold: ColdReader, chain: str, block: str, *, now: datetime) -> BlockDetail:
    """The block of a chain that has a number, or a hash; by its hash also one that a reorg replaced.

    Raises:
        UsageError: the chain is not known, or the text is neither a number nor a hash.
        NotFound: the ledger has no such block.
        ArchiveUnavailable: its rows are in the archive, and that cannot be read.
    """
    [of] = chains_of(await read_chains(reader, counted=False), [chain])
    header, reorg = await _header(reader, of, block)
    sums = await _sums(reader, cold, of, header, reorg)
    [neighbours] = (await reader.frame(_SQL["neighbours"], of.chain_id, header.number)).iter_rows(named=True)
    kinds = sums.kinds
    known = kinds["known_count"].sum() > 0
    fees = [int(each) for each in kinds["fees"] if each is not None]
    here = f"/v1/transactions?chain={of.name}&block={header.number}"
    return BlockDetail(
        chain=of.name,
        header=header,
        status=Status.GONE if reorg is not None else status_of(of, header.number, header.time, now),
        confirmations=0 if reorg is not None else confirmations_of(of, header.number),
        reorg=reorg,
        kinds=[KindCount(Kind(kind), count) for kind, count in kinds.select("kind", "tx_count").iter_rows()],
        failed_count=int(kinds["failed_count"].sum()) if known else None,
        value=whole_coins(sum(map(int, kinds["value"])), of.decimals),
        value_max=whole_coins(max(map(int, kinds["value_max"]), default=0), of.decimals),
        fees=whole_coins(sum(fees), of.decimals) if fees else None,
        symbol=of.symbol,
        token_transfer_count=sums.transfers,
        previous=neighbours["previous"],
        next=neighbours["next"],
        transactions=here if reorg is None else None,
        explorer=block_link(of, header.number, header.hash),
        source=sums.source,
    )


async def _header(reader: Reader, chain: ChainInfo, block: str) -> tuple[BlockHeader, int | None]:
    """The block's header, and the reorg that replaced it, if one did."""
    if is_number(block):
        rows = await reader.frame(_SQL["by_number"], chain.chain_id, block_number("block", block))
        if rows.height:
            return BlockHeader(**rows.row(0, named=True)), None
        newest = "" if chain.last_block is None else f"; its newest is {chain.last_block}"
        raise NotFound(
            f"the ledger of {chain.name} has no block {block}{newest}",
            hint="/v1/coverage tells which blocks are missing",
        )
    wanted = hash_in(block)
    if wanted is None:
        raise UsageError(f"block is {block[:100]!r}", hint="send its number, or its hash in 64 hexadecimal digits")
    rows = await reader.frame(_SQL["by_hash"], chain.chain_id, wanted)
    if rows.height:
        return BlockHeader(**rows.row(0, named=True)), None
    rows = await reader.frame(_SQL["orphan_by_hash"], chain.chain_id, wanted)
    if rows.height:
        row = rows.row(0, named=True)
        reorg: int = row.pop("reorg_id")
        return BlockHeader(**row), reorg
    raise NotFound(f"the ledger of {chain.name} has no block {block}", hint="/v1/search?q= looks on all chains")


async def _sums(reader: Reader, cold: ColdReader, chain: ChainInfo, header: BlockHeader, reorg: int | None) -> _Sums:
    if reorg is not None:
        kinds = await reader.frame(_SQL["orphan_transactions_of"], reorg, header.number)
        transfers = await reader.frame(_SQL["orphan_transfers_of"], reorg, header.number)
        return _Sums(kinds, transfers.item(), Source.RAW)
    place = (chain.chain_id, header.time, header.number)
    kinds = await reader.frame(_SQL["transactions_of"], *place)
    if kinds.is_empty() and (files := await _files(reader, chain, header, "transactions")):
        rows = await cold.newest(_rows_of(files, header), ("tx_index",), _MOST_COLD)
        transfers_there = _rows_of(await _files(reader, chain, header, "token_transfers"), header)
        moved = (await cold.newest(transfers_there, ("log_index",), _MOST_COLD)).height if transfers_there else 0
        return _Sums(_by_kind(rows), moved, Source.ARCHIVE)
    return _Sums(kinds, (await reader.frame(_SQL["transfers_of"], *place)).item(), Source.RAW)


async def _files(reader: Reader, chain: ChainInfo, header: BlockHeader, table: str) -> list[DroppedFile]:
    files = await dropped_files(reader, table, header.time, header.time + timedelta.resolution)
    return [each for each in files if each.chain_id == chain.chain_id]


def _rows_of(files: list[DroppedFile], header: BlockHeader) -> list[ColdRows]:
    condition = (pl.col("block_time") == header.time) & (pl.col("block_number") == header.number)
    return [ColdRows(each, condition) for each in files]


def _by_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """What the database says of its own rows, of those of the archive: amounts are summed as the numbers they are."""
    order = {kind.value: place for place, kind in enumerate(Kind)}
    groups = sorted(rows.group_by("kind"), key=lambda group: order[str(group[0][0])])
    return pl.DataFrame(
        [
            (
                kind,
                own.height,
                own["success"].count(),
                (~own["success"].drop_nulls()).sum(),
                str(sum(map(int, own["value"]))),
                str(max(map(int, own["value"]))),
                str(sum(map(int, fees))) if (fees := own["fee"].drop_nulls().to_list()) else None,
            )
            for (kind,), own in groups
        ],
        schema={
            "kind": pl.String,
            "tx_count": pl.Int64,
            "known_count": pl.Int64,
            "failed_count": pl.Int64,
            "value": pl.String,
            "value_max": pl.String,
            "fees": pl.String,
        },
        orient="row",
    )
