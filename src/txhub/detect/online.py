"""A model that learns as it goes: half-space trees (river, the extra `ml`) over features as they come.

Each row is scored by what came before it and then learned. What the trees know is the last full window of rows, so
scores follow from the model and the rows of two windows before: going over a stream again from any place finds the same
once two windows were learned.

S. C. Tan, K. M. Ting, T. F. Liu: Fast Anomaly Detection for Streaming Data, IJCAI 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from txhub.detect.features import FEATURES, Subject, matrix
from txhub.detect.forest import INSTALL, REASONS, SHARES, Matrix, Reason, Scores, reason
from txhub.errors import UsageError
from txhub.store.models import Odd

TREES, HEIGHT, WINDOW = 25, 10, 1000
Scaled = np.ndarray[Any, np.dtype[np.float64]]


class Online:
    """A model of one subject.

    Args:
        subject: what its rows are about.
        quantiles: of each feature, at `forest.SHARES`: space is cut between the first and the last of them.
        seed: of its chance.
        window: how many rows it knows at a time.

    Raises:
        UsageError: the extra `ml` is not installed.
    """

    def __init__(
        self, subject: Subject, quantiles: Mapping[str, list[float]], seed: int = 1, window: int = WINDOW
    ) -> None:
        try:
            from river.anomaly import HalfSpaceTrees
        except ImportError:
            raise UsageError("models that learn as they go are river's, which is not installed", hint=INSTALL) from None
        self._subject = subject
        self._quantiles = quantiles
        self._names = list(FEATURES[subject])
        self._low, self._high, self._usual = (
            np.array([quantiles[name][SHARES.index(share)] for name in self._names]) for share in (0.001, 0.999, 0.5)
        )
        self._trees: Any = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=window, seed=seed)

    def scores(self, rows: pl.DataFrame) -> Scores:
        """The scores of rows in order, 0 to 1, each learned once it was scored; 0 for the first window of all."""
        scaled = self._scaled(matrix(self._subject, rows))
        return np.array([self._next(dict(zip(self._names, values, strict=True))) for values in scaled.tolist()])

    def oddest(self, rows: pl.DataFrame, found: list[Odd], most: int) -> tuple[Scores, list[Odd]]:
        """The scores of rows in order, each learned once it was scored; and the oddest of those and of what was found.

        Args:
            rows: of features, with `time` and `subject`.
            found: the oddest so far, the first first.
            most: how many.
        """
        known = matrix(self._subject, rows)
        usual = self._scaled(self._usual[np.newaxis])[0].tolist()
        scores = np.zeros(len(known))
        found = list(found)
        for place, values in enumerate(self._scaled(known).tolist()):
            row = dict(zip(self._names, values, strict=True))
            score = scores[place] = self._trees.score_one(row)
            if score > 0 and (len(found) < most or round(score, 4) > found[-1].score):
                weights = [
                    score - self._trees.score_one({**row, name: middle})
                    for name, middle in zip(self._names, usual, strict=True)
                ]
                told = [each._asdict() for each in self._reasons(known[place], weights)]
                time, subject = rows["time"][place], rows["subject"][place]
                found = sorted([*found, Odd(time, subject, round(score, 4), told)], key=lambda odd: -odd.score)[:most]
            self._trees.learn_one(row)
        return scores, found

    def _next(self, row: dict[str, float]) -> float:
        score: float = self._trees.score_one(row)
        self._trees.learn_one(row)
        return score

    def _reasons(self, row: Matrix, weights: list[float]) -> list[Reason]:
        order = sorted(range(len(weights)), key=lambda place: -weights[place])[:REASONS]
        return [
            reason(self._subject, self._quantiles, self._names[place], float(row[place]), weights[place])
            for place in order
            if weights[place] > 0
        ]

    def _scaled(self, known: Matrix | Scaled) -> Scaled:
        span = np.where(self._high > self._low, self._high - self._low, 1.0)
        scaled: Scaled = np.clip((known - self._low) / span, -1, 2) / 3 + 1 / 3
        return scaled
