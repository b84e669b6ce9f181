"""Models of what is usual: their figures, that they repeat themselves, and that their reasons are right."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from txhub.detect.anomalies import oddest
from txhub.detect.edge import LEARNED, EdgeHour, learn
from txhub.detect.features import FEATURES, TRANSACTIONS, Subject, as_they_come, features, matrix
from txhub.detect.forest import Forest, grow, read_forest
from txhub.detect.online import WINDOW, Online
from txhub.errors import UsageError
from txhub.store.models import Odd

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Row = tuple[datetime, bytes, bytes, bytes, float, float, float, float, bool]


def address(number: int) -> bytes:
    return number.to_bytes(20, "big")


def paid(at: datetime, sender: int, receiver: int, coins: float, *, success: bool = True) -> Row:
    digest = f"{at.timestamp()} {sender} {receiver} {coins}".encode().rjust(32, b"\0")[-32:]
    return (at, digest, address(sender), address(receiver), coins, 0.001, 10e9, 0.0, success)


def rows(*paid_: Row) -> pl.DataFrame:
    return pl.DataFrame(list(paid_), schema=TRANSACTIONS, orient="row").sort("time", maintain_order=True)


def everyday(hours: int, *, seed: int = 1) -> list[Row]:
    """A thousand people of whom some pay one another every hour, little and once or twice."""
    dice = np.random.default_rng(seed)
    return [
        paid(
            START + hour * HOUR + float(dice.uniform(0, 3599)) * MINUTE / 60,
            int(dice.integers(1, 1000)),
            int(dice.integers(1, 1000)),
            float(np.exp(dice.normal(-2, 1.5))),
            success=bool(dice.random() > 0.04),
        )
        for hour in range(hours)
        for _ in range(300)
    ]


@pytest.fixture(scope="module")
def forest() -> Forest:
    return grow(Subject.ADDRESS, features(Subject.ADDRESS, rows(*everyday(30)), START + DAY), seed=7)


def test_what_an_address_did_in_an_hour_is_counted() -> None:
    moved = [
        paid(START + 23 * HOUR, 1, 2, 1.0),
        *(paid(START + DAY + n * 10 * MINUTE, 1, 2 + n, 2.0, success=n > 0) for n in range(4)),
        paid(START + DAY + 45 * MINUTE, 9, 1, 0.5),
        paid(START + DAY + HOUR, 1, 2, 7.0),
    ]
    told = features(Subject.ADDRESS, rows(*moved), START + DAY)
    one = told.filter(pl.col("subject") == address(1)).row(0, named=True)
    assert told.filter(pl.col("subject") == address(1))["time"].to_list() == [START + DAY, START + DAY + HOUR]
    assert {name: round(10 ** one[name] - 1, 6) for name in ("sent", "received", "payees", "payers")} == {
        "sent": 4,
        "received": 1,
        "payees": 4,
        "payers": 1,
    }
    assert (one["coins_out"], one["coins_in"], one["largest"]) == (8.0, 0.5, 2.0)
    assert one["new"] == pytest.approx(4 / 5)  # it had paid 2 an hour before
    assert one["failed"] == pytest.approx(1 / 5)
    gaps = np.array([600.0, 600.0, 600.0, 900.0])
    assert one["bursts"] == pytest.approx((gaps.std(ddof=1) - gaps.mean()) / (gaps.std(ddof=1) + gaps.mean()), abs=1e-9)
    amounts = np.array([2.0, 2.0, 2.0, 2.0, 0.5])
    assert one["alike"] == pytest.approx(1 / (1 + amounts.std(ddof=1) / amounts.mean()))
    single = features(Subject.TRANSACTION, rows(*moved), START + DAY)
    assert single["coins"].to_list().count(2.0) == 4
    assert single.sort("time")["new"].to_list() == [0, 1, 1, 1, 1, 0]


def test_features_of_a_span_do_not_depend_on_what_is_read_beside_it() -> None:
    moved = rows(*everyday(28))
    later = features(Subject.ADDRESS, moved, START + 26 * HOUR)
    assert later.equals(features(Subject.ADDRESS, moved, START + DAY).filter(pl.col("time") >= START + 26 * HOUR))
    just_enough = moved.filter(pl.col("time") >= START + 2 * HOUR)
    assert later.equals(features(Subject.ADDRESS, just_enough, START + 26 * HOUR))


def test_scores_are_those_of_scikit_learn(forest: Forest) -> None:
    from sklearn.ensemble import IsolationForest

    learned = features(Subject.ADDRESS, rows(*everyday(30)), START + DAY)
    known = matrix(Subject.ADDRESS, learned)
    theirs = IsolationForest(n_estimators=100, max_samples=forest.parameters["sample"], random_state=7).fit(known)
    np.testing.assert_allclose(forest.scores(learned), -theirs.score_samples(known), rtol=1e-12)


def test_the_same_rows_and_seed_make_the_same_model(forest: Forest) -> None:
    learned = features(Subject.ADDRESS, rows(*everyday(30)), START + DAY)
    again = grow(Subject.ADDRESS, learned, seed=7)
    assert (again.digest, again.blob()) == (forest.digest, forest.blob())
    assert grow(Subject.ADDRESS, learned, seed=8).digest != forest.digest
    kept = Forest(
        forest.subject, read_forest(forest.blob()), forest.quantiles, forest.parameters, forest.rows, forest.seed
    )
    assert kept.digest == forest.digest
    np.testing.assert_array_equal(kept.scores(learned), forest.scores(learned))


@pytest.mark.parametrize(
    ("planted", "meant", "true_as_well"),
    [
        ([paid(START + DAY + n * MINUTE, 5000, 6000 + n, 0.05) for n in range(30)], {"payees", "sent"}, {"alike"}),
        ([paid(START + DAY + n * MINUTE, 6000 + n, 5000, 0.05) for n in range(30)], {"payers", "received"}, {"alike"}),
        ([paid(START + DAY + MINUTE, 5000, 6000, 900.0)], {"coins_out", "largest"}, set()),
        (
            [paid(START + DAY + n * 4 * MINUTE, 5000, 6000, 0.1, success=False) for n in range(12)],
            {"sent", "failed", "alike"},
            {"coins_out", "bursts"},
        ),
    ],
    ids=["fan-out", "fan-in", "whale", "failing again and again"],
)
def test_the_oddest_is_what_was_planted_and_the_reasons_say_why(
    forest: Forest, planted: list[Row], meant: set[str], true_as_well: set[str]
) -> None:
    judged = features(Subject.ADDRESS, rows(*everyday(25, seed=2), *planted), START + DAY)
    reasons = {each.subject: each.reasons for each in oddest(forest, judged, 3)}[address(5000)]
    told = [reason["feature"] for reason in reasons]
    assert set(told) & meant
    assert set(told[:2]) <= meant | true_as_well
    for reason in reasons:
        assert reason["weight"] > 0
        assert FEATURES[Subject.ADDRESS][reason["feature"]].words in reason["words"]
    assert reasons[0]["distance"] > 1  # further off than the quartile, or than the last percent where that is usual
    assert "than 99" in reasons[0]["words"]


def test_a_model_that_learns_as_it_goes_repeats_itself(forest: Forest) -> None:
    stream = features(Subject.ADDRESS, rows(*everyday(30), *(
        paid(START + 29 * HOUR + n * MINUTE, 5000, 6000 + n, 0.05) for n in range(50)
    )), START + DAY)  # fmt: skip
    scores = Online(Subject.ADDRESS, forest.quantiles, seed=3).scores(stream)
    np.testing.assert_array_equal(scores, Online(Subject.ADDRESS, forest.quantiles, seed=3).scores(stream))
    model = Online(Subject.ADDRESS, forest.quantiles, seed=3)
    halves = [model.scores(half) for half in (stream.head(2000), stream.slice(2000))]
    np.testing.assert_array_equal(scores, np.concatenate(halves))
    fan = stream["subject"].to_list().index(address(5000))
    settled = scores[2 * WINDOW :]
    assert scores[fan] >= np.quantile(settled, 0.99)


def test_at_the_edge_figures_are_what_is_known_when_a_block_comes() -> None:
    moved = [
        paid(START + 30 * MINUTE, 1, 2, 1.0),  # an hour and a half before: forgotten
        paid(START + 90 * MINUTE, 3, 4, 1.0),
        *(paid(START + 2 * HOUR + n * MINUTE, 1, 2, 2.0) for n in range(3)),
        paid(START + 2 * HOUR + 2 * MINUTE, 3, 4, 5.0),
    ]
    judged = as_they_come(rows(*moved), START + 2 * HOUR)
    assert judged["coins"].to_list() == [2.0, 2.0, 2.0, 5.0]
    assert [round(10**each - 1) for each in judged["sender_count"]] == [1, 2, 3, 1]
    assert judged["new"].to_list() == [1.0, 0.0, 0.0, 0.0]
    for cut in (1, 2):
        later = START + 2 * HOUR + cut * MINUTE
        assert as_they_come(rows(*moved), later).equals(judged.filter(pl.col("time") >= later))


def test_an_hour_at_the_edge_is_judged_alike_in_any_pieces_and_says_why() -> None:
    whale = paid(START + 26 * HOUR + 40 * MINUTE, 7, 8, 90_000.0)
    there = rows(*everyday(27), whale)
    model = learn(as_they_come(there.filter(pl.col("time") < START + 24 * HOUR), START + HOUR), seed=3)
    assert model.parameters["window"] == 150  # of 300 an hour
    assert model.digest == learn(as_they_come(there.filter(pl.col("time") < START + 24 * HOUR), START + HOUR), 3).digest
    start = START + 26 * HOUR
    before = there.filter(pl.col("time").is_between(start - LEARNED, start, closed="left"))

    def judged(*minutes: int) -> tuple[list[float], list[Odd]]:
        hour, scores = EdgeHour(model, start, before, 10), []
        for minute in (*minutes, 60):
            until = start + minute * MINUTE
            scores += hour.take(
                there.filter(pl.col("time").is_between(hour.until, until, closed="left")), until
            ).tolist()
        return scores, hour.found

    scores, found = judged()
    assert judged(13, 14, 41) == judged(*range(1, 60)) == (scores, found)
    assert [each.score for each in found] == sorted((round(each, 4) for each in scores), reverse=True)[:10]
    [place] = [place for place, each in enumerate(found) if each.subject == whale[1]]
    assert place < 3
    assert found[place].reasons[0]["feature"] == "coins"
    assert found[place].reasons[0]["words"].startswith("coins moved: 90,000, usually ")


def test_without_the_extra_it_says_what_to_install(forest: Forest, monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("sklearn.ensemble", "river.anomaly"):
        monkeypatch.setitem(sys.modules, missing, None)
    learned = features(Subject.ADDRESS, rows(*everyday(30)), START + DAY)
    with pytest.raises(UsageError, match="scikit-learn") as refused:
        grow(Subject.ADDRESS, learned)
    assert refused.value.hint == "pip install 'txhub[ml]'"
    with pytest.raises(UsageError, match="river"):
        Online(Subject.ADDRESS, forest.quantiles)
    assert len(forest.scores(learned)) == learned.height  # to score takes no extra


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="rows to learn from"):
        grow(Subject.ADDRESS, features(Subject.ADDRESS, rows(*everyday(25)), START + DAY))
