"""Isolation forests: how easily a subject is told from the rest, and by which of its features.

scikit-learn (the extra `ml`) grows the trees; what is kept of them is a table of splits, and reading it needs neither
scikit-learn nor trust: no code is stored, as a pickle would. The same rows and seed grow the same trees.

F. T. Liu, K. M. Ting, Z.-H. Zhou: Isolation Forest, ICDM 2008: the score is 2^(-mean depth / expected depth).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from txhub.detect.features import FEATURES, Subject, matrix, shown
from txhub.errors import UsageError

Matrix: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Scores: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
SHARES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
"""The quantiles that are kept of each feature."""
TREES, SAMPLE, MOST_ROWS = 100, 4096, 200_000
"""Small samples, as the paper has them, do not tell what is rare from what is rarer still: amounts have long tails."""
REASONS = 3
"""So many features are told at the most."""
_EULER = 0.5772156649015329


class Reason(NamedTuple):
    """Why something is told from the rest: how much of the score hangs on a feature, and how far that is from usual.

    `distance` is how many times as far from the median as the quartile on its side (or, where that is the median too,
    the last percent); a quartile is 0.67 standard deviations of what is normal away.
    """

    feature: str
    weight: float
    distance: float
    words: str


@dataclass(frozen=True)
class Forest:
    """A model.

    Args:
        subject: what it is about.
        splits: a row for each node of all trees: `root`, `left`, `right` (rows), `feature` (its place; -1: a leaf),
            `threshold` and `depth` (of a leaf, with what its rows would take on average to be told apart).
        quantiles: of each feature among what it learned from, at `SHARES`.
        parameters: how it was grown.
        rows: how many rows it learned from.
        seed: of its chance.
    """

    subject: Subject
    splits: pl.DataFrame
    quantiles: Mapping[str, list[float]]
    parameters: Mapping[str, Any]
    rows: int
    seed: int

    @property
    def digest(self) -> str:
        """What two models that are the same share."""
        text = json.dumps([self.subject, self.quantiles, self.parameters, self.seed], sort_keys=True)
        return hashlib.sha256(text.encode() + self.blob()).hexdigest()

    def blob(self) -> bytes:
        """The splits as bytes: an Arrow file."""
        file = io.BytesIO()
        self.splits.write_ipc(file, compression="zstd")
        return file.getvalue()

    def scores(self, rows: pl.DataFrame) -> Scores:
        """How far each row is from the rest, 0 to 1: about 0.5 for most, near 1 for what a few splits tell apart."""
        return self._scores(matrix(self.subject, rows))

    def reasons(self, rows: pl.DataFrame) -> list[list[Reason]]:
        """Why each row has its score: the features without which it would be least of an outlier, the first first."""
        known = matrix(self.subject, rows)
        whole = self._scores(known)
        weights = []
        for place, name in enumerate(FEATURES[self.subject]):
            usual = known.copy()
            usual[:, place] = self.quantiles[name][SHARES.index(0.5)]
            weights.append(whole - self._scores(usual))
        return [self._of_row(row, weight) for row, weight in zip(known, np.array(weights).T, strict=True)]

    def _of_row(self, row: Matrix, weights: Scores) -> list[Reason]:
        names = list(FEATURES[self.subject])
        order = [int(place) for place in np.argsort(-weights, kind="stable")[:REASONS] if weights[place] > 0]
        return [
            reason(self.subject, self.quantiles, names[place], float(row[place]), float(weights[place]))
            for place in order
        ]

    def _scores(self, known: Matrix) -> Scores:
        roots = self.splits["root"].arg_true().to_numpy()
        left, right, feature, threshold, depth = (
            self.splits[name].to_numpy() for name in ("left", "right", "feature", "threshold", "depth")
        )
        total = np.zeros(len(known))
        everyone = np.arange(len(known))
        for root in roots:
            node = np.full(len(known), root)
            while (inner := feature[node] >= 0).any():
                below = known[everyone, np.maximum(feature[node], 0)] <= threshold[node]
                node = np.where(inner, np.where(below, left[node], right[node]), node)
            total += depth[node]
        expected: Scores = 2.0 ** (-total / (len(roots) * _average_depth(np.array([self.parameters["sample"]]))[0]))
        return expected


def reason(subject: Subject, known: Mapping[str, list[float]], name: str, value: float, weight: float) -> Reason:
    """Why something is told from the rest by one of its features, in words.

    Args:
        subject: what it is.
        known: the quantiles of each feature, at `SHARES`.
        name: the feature.
        value: what it is here.
        weight: how much of the score hangs on it.
    """
    feature, quantiles = FEATURES[subject][name], known[name]
    low, median, high = (quantiles[SHARES.index(share)] for share in (0.05, 0.5, 0.95))
    up = value >= median
    quartile, last = (0.75, 0.99) if up else (0.25, 0.01)
    spread = abs(quantiles[SHARES.index(quartile)] - median) or abs(quantiles[SHARES.index(last)] - median)
    beyond = sum(quantile < value if up else quantile > value for quantile in quantiles)
    place = SHARES[beyond - 1] if up and beyond else 1 - SHARES[-beyond] if beyond else 0.5
    side = "more" if up else "less"
    words = (
        f"{feature.words}: {shown(feature, value)}, usually {shown(feature, low)} to {shown(feature, high)}; "
        f"{side} than {place:.1%} of the others"
    )
    return Reason(name, round(weight, 4), round(abs(value - median) / spread, 2) if spread else 0.0, words)


def quantiles_of(subject: Subject, known: Matrix) -> dict[str, list[float]]:
    """Of each feature among rows of `matrix`, at `SHARES`."""
    return {
        name: [float(np.quantile(known[:, place], share)) for share in SHARES]
        for place, name in enumerate(FEATURES[subject])
    }


def read_forest(blob: bytes) -> pl.DataFrame:
    """The splits in bytes that `Forest.blob` made; they are data, and nothing in them is run."""
    return pl.read_ipc(io.BytesIO(blob))


def grow(subject: Subject, rows: pl.DataFrame, seed: int = 1) -> Forest:
    """Learn what is usual among rows of `features`, at most `MOST_ROWS` of them, chosen by the seed.

    Raises:
        UsageError: the extra `ml` is not installed, or there are fewer than 1,000 rows.
    """
    try:
        from sklearn.ensemble import IsolationForest
    except ImportError:
        raise UsageError("models are grown by scikit-learn, which is not installed", hint=INSTALL) from None
    if rows.height < 1000:
        raise UsageError(f"there are {rows.height} rows to learn from", hint="give a longer range: 1,000 is the least")
    chosen = rows.sample(min(rows.height, MOST_ROWS), seed=seed, shuffle=False)
    known = matrix(subject, chosen)
    sample = min(SAMPLE, len(known))
    grown = IsolationForest(n_estimators=TREES, max_samples=sample, random_state=seed, n_jobs=1).fit(known)
    quantiles = quantiles_of(subject, known)
    splits, offset = [], 0
    for tree in (each.tree_ for each in grown.estimators_):
        splits.append(_splits(tree, offset))
        offset += tree.node_count
    return Forest(subject, pl.concat(splits), quantiles, {"trees": TREES, "sample": sample}, chosen.height, seed)


INSTALL = "pip install 'txhub[ml]'"
"""What to do where the extra is missing."""


def _splits(tree: Any, offset: int) -> pl.DataFrame:
    leaf = tree.children_left < 0
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(~leaf):  # parents come before their children
        depth[tree.children_left[node]] = depth[tree.children_right[node]] = depth[node] + 1
    return pl.DataFrame(
        {
            "root": np.arange(tree.node_count) == 0,
            "left": np.where(leaf, 0, tree.children_left + offset).astype(np.int32),
            "right": np.where(leaf, 0, tree.children_right + offset).astype(np.int32),
            "feature": np.where(leaf, -1, tree.feature).astype(np.int16),
            "threshold": np.where(leaf, 0.0, tree.threshold),
            "depth": depth + _average_depth(tree.n_node_samples),
        }
    )


def _average_depth(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Scores:
    """How many splits an unsuccessful search in a binary search tree of so many rows takes on average."""
    many = np.maximum(rows, 3)
    average = 2 * (np.log(many - 1) + _EULER) - 2 * (many - 1) / many
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, average))
