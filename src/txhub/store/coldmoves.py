"""What addresses moved, by the files of the archive: the same rows as the view `address_moves` has of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from txhub.errors import ArchiveUnavailable
from txhub.model import Family
from txhub.store.place import Place
from txhub.store.touches import Side, Touch, Window

if TYPE_CHECKING:  # imported when needed: a worker without an archive does without Polars
    import polars as pl

_PLACE = ("block_number", "block_time", "tx_index")


class ColdFile(NamedTuple):
    """A file of the archive whose rows the database has no more; the amounts in a `wide` one are text."""

    table: str
    path: str
    wide: bool


class ColdTransactions(NamedTuple):
    """By place (number of the block, position in it): hash and outcome of transactions, and their sides on Bitcoin."""

    outcomes: dict[tuple[int, int], tuple[bytes, bool | None]]
    sides: dict[tuple[int, int], list[Side]]


class ColdMoves:
    """Searches files; every method takes as long as reading them does, so call it in a thread."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def of(
        self, family: Family, files: Sequence[ColdFile], addresses: Collection[bytes], start: datetime, end: datetime
    ) -> list[Touch]:
        """Every way in which value touched these addresses within [start, end).

        Raises:
            ArchiveUnavailable: a file cannot be read.
        """
        rows = self._touches(family, files, addresses, start, end).iter_rows()
        return [Touch._make((*place, int(amount))) for *place, amount in rows]

    def within(
        self, family: Family, files: Sequence[ColdFile], windows: Sequence[Window], at_most: int
    ) -> list[list[Touch]]:
        """For each window at most so many touches of more than nothing of its address.

        Raises:
            ArchiveUnavailable: a file cannot be read.
        """
        start, end = min(each.start for each in windows), max(each.end for each in windows)
        by_address: defaultdict[tuple[bytes, str], list[Touch]] = defaultdict(list)
        for touch in self.of(family, files, {each.address for each in windows}, start, end):
            if touch.amount:
                by_address[touch.address, touch.direction].append(touch)
        return [
            [touch for touch in by_address[window.address, window.direction] if window.holds(touch.block_time)][
                :at_most
            ]
            for window in windows
        ]

    def transactions(
        self, family: Family, files: Sequence[ColdFile], places: Iterable[tuple[datetime, int, int]]
    ) -> ColdTransactions:
        """Those of the transactions at these places that the files have.

        Raises:
            ArchiveUnavailable: a file cannot be read.
        """
        import polars as pl

        wanted = pl.DataFrame(
            [(number, index) for _, number, index in places],
            schema={"block_number": pl.Int64, "tx_index": pl.Int32},
            orient="row",
        ).lazy()
        place = ["block_number", "tx_index"]
        outcomes = {}
        sides: defaultdict[tuple[int, int], list[Side]] = defaultdict(list)
        transactions = self._scan(files, "transactions")
        if transactions is not None:
            rows = transactions.join(wanted, on=place, how="semi").select(*place, "hash", "success")
            outcomes = {(row[0], row[1]): (row[2], row[3]) for row in self._read(rows).iter_rows()}
        utxo_io = self._scan(files, "utxo_io") if family == "utxo" else None
        if utxo_io is not None:
            rows = utxo_io.join(wanted, on=place, how="semi").filter(pl.col("address").is_not_null())
            for row in self._read(rows.select(*place, "side", "address", "amount")).iter_rows():
                sides[row[0], row[1]].append(Side(row[2], row[3], int(row[4])))
        return ColdTransactions(outcomes, dict(sides))

    def _touches(
        self, family: Family, files: Sequence[ColdFile], addresses: Collection[bytes], start: datetime, end: datetime
    ) -> pl.DataFrame:
        import polars as pl

        wanted = pl.Series("address", list(addresses), pl.Binary).implode()
        sent, got = pl.lit("out"), pl.lit("in")
        spent = pl.when(pl.col("side") == "in").then(sent).otherwise(got)
        ways = {
            "evm": (
                ("transactions", "from_address", sent, "to_address", None, "value"),
                ("transactions", "to_address", got, "from_address", None, "value"),
                ("token_transfers", "from_address", sent, "to_address", "token_address", "amount"),
                ("token_transfers", "to_address", got, "from_address", "token_address", "amount"),
            ),
            "utxo": (("utxo_io", "address", spent, None, None, "amount"),),
        }
        nobody = pl.lit(None, pl.Binary)
        parts = [
            rows.filter(
                pl.col("block_time").is_between(start, end, closed="left"), pl.col(address).is_in(wanted)
            ).select(
                *_PLACE,
                direction.alias("direction"),
                pl.col(address).alias("address"),
                (pl.col(other) if other else nobody).alias("counterparty"),
                (pl.col(token) if token else nobody).alias("token_address"),
                pl.col(amount).cast(pl.String).alias("amount"),
            )
            for table, address, direction, other, token, amount in ways[family]
            if (rows := self._scan(files, table)) is not None
        ]
        return self._read(pl.concat(parts)) if parts else pl.DataFrame()

    def _scan(self, files: Sequence[ColdFile], table: str) -> pl.LazyFrame | None:
        from txhub.store.coldread import File, scan_files

        return scan_files(self._place, [File(each.path, each.wide) for each in files if each.table == table])

    def _read(self, rows: pl.LazyFrame) -> pl.DataFrame:
        import polars as pl

        try:
            return rows.collect()
        except (OSError, pl.exceptions.PolarsError) as fault:
            reason = str(fault).strip().splitlines()[0]
            raise ArchiveUnavailable(
                f"a file of the archive cannot be read: {reason}",
                hint=f"is {self._place.shown} there? `txhub archive verify` looks at every file",
            ) from fault
