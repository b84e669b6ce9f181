"""How well models find what is planted in a demo chain, among the first they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from txhub.address import stored_address
from txhub.chain.demo.truth import Pattern, Planted
from txhub.detect.features import Subject
from txhub.model import Chain

PLANTED: dict[Subject, frozenset[Pattern]] = {
    Subject.TRANSACTION: frozenset({Pattern.WHALE}),
    Subject.ADDRESS: frozenset({Pattern.WHALE, Pattern.STRUCTURING, Pattern.FAN_IN, Pattern.FAN_OUT}),
}
"""What a model of each subject is to find: what is unlike the rest, in figures that it has."""


class At(NamedTuple):
    """Among the `k` highest scores: the share that is planted, and the share of all that is planted which is there."""

    k: int
    precision: float
    recall: float


def truth(subject: Subject, chain: Chain, planted: Iterable[Planted]) -> pl.DataFrame:
    """Who is part of what is planted, and when: `thing` (its number), `subject` (raw address), `start` and `end`.

    Of what gathers or pays many, the many are not meant.
    """
    rows = []
    for number, thing in enumerate(planted):
        if thing.pattern not in PLANTED[subject]:
            continue
        senders = {transfer.sender for transfer in thing.transfers}
        receivers = {transfer.receiver for transfer in thing.transfers}
        parties = senders | receivers if thing.pattern is Pattern.WHALE else min(senders, receivers, key=len)
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (thing.start, thing.end))
        rows += [(number, stored_address(party, {chain.family}), start, end) for party in parties]
    schema = {"thing": pl.Int64(), "party": pl.Binary(), "start": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema={**schema, "end": pl.Datetime("us", "UTC")}, orient="row")


def precision_and_recall(scored: pl.DataFrame, known: pl.DataFrame, ks: Sequence[int]) -> list[At]:
    """Both at each k.

    Args:
        scored: `parties` (raw addresses of the row), `time`, `until` and `score`.
        known: see `truth`.
        ks: how many of the highest.
    """
    order = scored.sort("score", descending=True, maintain_order=True).with_row_index("rank")
    hits = order.explode("parties").join(known, left_on="parties", right_on="party")
    hits = hits.filter(pl.col("time") < pl.col("end"), pl.col("until") >= pl.col("start"))
    things = known["thing"].n_unique()
    result = []
    for k in ks:
        first = hits.filter(pl.col("rank") < k)
        recall = first["thing"].n_unique() / things if things else 1.0
        result.append(At(k, first["rank"].n_unique() / min(k, max(scored.height, 1)), recall))
    return result


def parties(subject: Subject, judged: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `features` with the addresses that each is about, and until when: what `precision_and_recall` takes."""
    if subject is Subject.ADDRESS:
        return judged.with_columns(
            parties=pl.concat_list("subject"), until=pl.col("time") + timedelta(hours=1, microseconds=-1)
        )
    pairs = rows.select("hash", parties=pl.concat_list("sender", "receiver"))
    return judged.join(pairs, left_on="subject", right_on="hash", maintain_order="left").with_columns(until="time")
