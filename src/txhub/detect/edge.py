"""Transactions as they come, judged by a model that learns as it goes.

Each hour begins anew with what the hour before it taught, so that its scores follow from the model and the rows of
three hours alone: a worker that was started again finds what another one found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from txhub.detect.features import EDGE_MEMORY, Subject, as_they_come, matrix
from txhub.detect.forest import Scores, quantiles_of
from txhub.detect.online import HEIGHT, TREES, WINDOW, Online
from txhub.errors import UsageError
from txhub.store.models import Odd

HOUR = timedelta(hours=1)
LEARNED = 2 * HOUR
"""So much before an hour rows matter: an hour that is learned, and what is remembered at its beginning."""
_LEAST_ROWS, _LEAST_WINDOW = 1000, 100


@dataclass(frozen=True)
class EdgeModel:
    """What is usual, by which trees are cut, and how.

    Args:
        quantiles: of each feature among what it learned from, at `forest.SHARES`.
        parameters: how the trees are made; `window` is how many rows they know at a time.
        rows: how many rows it learned from.
        seed: of its chance.
    """

    quantiles: Mapping[str, list[float]]
    parameters: Mapping[str, Any]
    rows: int
    seed: int

    @property
    def digest(self) -> str:
        """What two models that are the same share."""
        text = json.dumps(["edge", self.quantiles, self.parameters, self.seed], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def learn(rows: pl.DataFrame, seed: int = 1) -> EdgeModel:
    """Learn what is usual among rows of `as_they_come`. Quiet chains get windows that an hour fills twice.

    Raises:
        UsageError: there are fewer than 1,000 rows.
    """
    if rows.height < _LEAST_ROWS:
        hint = f"give a longer range: {_LEAST_ROWS:,} is the least"
        raise UsageError(f"there are {rows.height} rows to learn from", hint=hint)
    hours = max(rows["time"].dt.truncate("1h").n_unique(), 1)
    window = min(max(rows.height // hours // 2, _LEAST_WINDOW), WINDOW)
    known = matrix(Subject.TRANSACTION, rows)
    parameters = {"trees": TREES, "height": HEIGHT, "window": window}
    return EdgeModel(quantiles_of(Subject.TRANSACTION, known), parameters, rows.height, seed)


class EdgeHour:
    """An hour of a chain, judged while it goes on.

    Args:
        model: by which it is judged.
        start: its beginning.
        before: `TRANSACTIONS` of `LEARNED` before it.
        most: how many of the oddest are kept.

    Raises:
        UsageError: the extra `ml` is not installed.
    """

    def __init__(self, model: EdgeModel, start: datetime, before: pl.DataFrame, most: int) -> None:
        self.start = self.until = start
        self.found: list[Odd] = []
        self._most = most
        self._rows = before
        window = int(model.parameters["window"])
        self._online = Online(Subject.TRANSACTION, model.quantiles, model.seed, window)
        self._online.scores(as_they_come(before, start - HOUR).tail(2 * window))

    @property
    def end(self) -> datetime:
        """The moment after its last."""
        return self.start + HOUR

    def take(self, rows: pl.DataFrame, until: datetime) -> Scores:
        """Judge what came from `until` to another moment; the scores in order, and `found` has the oddest so far."""
        self._rows = pl.concat([self._rows, rows])
        judged = as_they_come(self._rows, self.until)
        self.until = until
        self._rows = self._rows.filter(pl.col("time") >= until - EDGE_MEMORY)  # the hour so far is in that
        if judged.is_empty():
            return np.zeros(0)
        scores, self.found = self._online.oddest(judged, self.found, self._most)
        return scores
