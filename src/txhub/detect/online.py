"""A model that learns as it goes: half-space trees (river, the extra `ml`) over features as they come.

Each row is scored by what came before it and then learned, so the scores of a stream follow from its rows alone: going
over it again from the same place gives the same. It forgets what was usual long ago, and cannot say which feature did
it.

S. C. Tan, K. M. Ting, T. F. Liu: Fast Anomaly Detection for Streaming Data, IJCAI 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from txhub.detect.features import FEATURES, Subject, matrix
from txhub.detect.forest import INSTALL, SHARES, Scores
from txhub.errors import UsageError

TREES, HEIGHT, WINDOW = 25, 10, 1000


class Online:
    """A model of one subject.

    Args:
        subject: what its rows are about.
        quantiles: of each feature, at `forest.SHARES`: space is cut between the first and the last of them.
        seed: of its chance.

    Raises:
        UsageError: the extra `ml` is not installed.
    """

    def __init__(self, subject: Subject, quantiles: Mapping[str, list[float]], seed: int = 1) -> None:
        try:
            from river.anomaly import HalfSpaceTrees
        except ImportError:
            raise UsageError("models that learn as they go are river's, which is not installed", hint=INSTALL) from None
        self._subject = subject
        self._names = list(FEATURES[subject])
        self._low, self._high = (
            np.array([quantiles[name][SHARES.index(share)] for name in self._names]) for share in (0.001, 0.999)
        )
        self._trees: Any = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=seed)

    def scores(self, rows: pl.DataFrame) -> Scores:
        """The scores of rows in order, 0 to 1, each learned once it was scored; 0 for the first `WINDOW` of all."""
        span = np.where(self._high > self._low, self._high - self._low, 1.0)
        scaled = np.clip((matrix(self._subject, rows) - self._low) / span, -1, 2) / 3 + 1 / 3
        scores = np.zeros(len(scaled))
        for place, values in enumerate(scaled.tolist()):
            row = dict(zip(self._names, values, strict=True))
            scores[place] = self._trees.score_one(row)
            self._trees.learn_one(row)
        return scores
