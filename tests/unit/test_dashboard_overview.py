"""What the Overview says, in words and figures, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import polars as pl
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards.cards import CARDS, sparkline, stat_card
from dashboards.filters import Filters, Recent, parse_range, to_query
from dashboards.live import EVERYTHING, News
from dashboards.pages import overview_panels as panels
from dashboards.pages.overview_reading import NO_PEAKS, Charts, Figures
from dashboards.quantities import coins, count, exact, length, percent, shortened
from dashboards.reading import bucket_under
from dashboards.tables import transaction_row
from dashboards.view import View, touched
from tests.unit.test_dashboard_alerts import FAN_IN
from txhub.contract import (
    Bucket,
    ChainFigures,
    ChainInfo,
    Figure,
    Gap,
    Kind,
    Metric,
    Quality,
    StreamHealth,
    Summary,
    Transaction,
)

START = datetime(2023, 9, 8, 7, 27, tzinfo=UTC)
LATER = START + timedelta(days=1)
MINUTE = timedelta(minutes=1)
VIEW = Filters(parse_range("2023-09-08 07:27 to 2023-09-08 07:30"))
SCHEMA = {"time": pl.Datetime("us", "UTC"), "chain": pl.String, "kind": pl.String, "value": pl.Float64}


def frame(*lines: tuple[str, str | None, list[float | None]]) -> pl.DataFrame:
    rows = [
        (START + place * MINUTE, chain, kind, value)
        for chain, kind, values in lines
        for place, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def chain(name: str, symbol: str) -> ChainInfo:
    return ChainInfo(1, name, "evm", symbol, 18, 12, 64, "100", False, 14, 1, 14, START, START + 3 * MINUTE)


CHAINS = [chain("ethereum", "ETH"), chain("bitcoin", "BTC")]
RATE = frame(("ethereum", None, [600, 838, 699]), ("bitcoin", None, [4, 5, 6]))


def charts(**changes: object) -> Charts:
    plain = Charts(
        chains=CHAINS,
        bucket=MINUTE,
        wide=MINUTE,
        quality=Quality(1.0),
        rate=RATE,
        avg_value=frame(("ethereum", None, [0.68, 0.7, 0.7]), ("bitcoin", None, [1, 1, 1])),
        volume=frame(("ethereum", "transfer", [1000, 400, 91.22]), ("bitcoin", "transfer", [1, 2, 3])),
        peaks=NO_PEAKS,
        anomalies=[],
    )
    return replace(plain, **changes)


def summary(*volumes: tuple[str, str, Figure], coverage: float = 1.0) -> Summary:
    items = [ChainFigures(name, symbol, "1m", 2137, 1.0, coverage, [figure]) for name, symbol, figure in volumes]
    return Summary(START, LATER, START, LATER, items)


VOLUME = Figure(Metric.VOLUME, "ETH", 12.5, 1491.22, "1491.219908150491057278", 1000.0, 0.49122)
FEW = Figure(Metric.VOLUME, "BTC", None, 6.0, "6", None, None)
VOLUME_CARD = next(card for card in CARDS if card.metric is Metric.VOLUME)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_a_card_has_a_line_for_each_chain_and_never_adds_coins() -> None:
    both = summary(("ethereum", "ETH", VOLUME), ("bitcoin", "BTC", FEW))
    card = text_of(stat_card(VOLUME_CARD, both.items, ["ethereum", "bitcoin"], {"ethereum": [1.0, None, 3.0]}))
    for said in (
        "1,491.22",
        "now 12.50",
        "\u25b4 49 %",
        "was 1,000.00",
        "1,491.219908150491057278 ETH",
        "6.00",
        '"BTC"',
    ):
        assert said in card
    assert "1,497" not in card


def test_a_week_that_is_not_complete_is_not_held_against_this_one() -> None:
    card = text_of(stat_card(VOLUME_CARD, summary(("ethereum", "ETH", VOLUME), coverage=0.5).items, ["ethereum"], {}))
    assert "49 %" not in card
    assert "50 % of last week's blocks are in" in card


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.0041, "as last week"), (-0.25, "\u25be 25 %"), (13.02, "\u25b4 1,302 %"), (None, None)]
)
def test_a_change_says_its_direction(ratio: float | None, said: str | None) -> None:
    card = text_of(stat_card(VOLUME_CARD, summary(("a", "ETH", replace(VOLUME, change_ratio=ratio))).items, ["a"], {}))
    assert said in card if said else "last week" not in card.replace("same time last week", "")


def test_a_sparkline_has_a_hole_where_nothing_is_known() -> None:
    drawing = unquote(text_of(sparkline([1.0, 2.0, None, 4.0, 0.0], "#0072B2")))
    assert "M0.0 16.0L24.0 11.0M72.0 1.0L96.0 21.0" in drawing
    assert "img" not in text_of(sparkline([None, 2.0], "#0072B2")).lower()


def test_a_trend_ends_where_time_is() -> None:
    read = Figures(CHAINS, summary(("ethereum", "ETH", VOLUME)), {Metric.VOLUME: (charts().volume, MINUTE)})
    now = START + timedelta(minutes=2, seconds=30)
    assert panels._trends(*read.trends[Metric.VOLUME], now)["ethereum"] == [1000, 400]
    notice, cards = panels.figures(read, View(), now)
    assert (notice, len(cards)) == (None, 1)


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        (Quality(1.0), "All blocks of this range are in"),
        (Quality(0.98231), "98.2 % of blocks in this range are in"),
        (Quality(0.99999), "99.9 % of blocks in this range are in"),
        (Quality(None), "No blocks of this range are in"),
        (Quality(0.5, [Gap("ethereum", 3, 12, START, LATER)]), "10 missing"),
        (Quality(1.0, provisional_from=START), "provisional since"),
    ],
)
def test_the_page_says_how_complete_it_is(quality: Quality, said: str) -> None:
    assert said in text_of(panels.quality_note(charts(quality=quality), View()))


def test_an_empty_range_leads_to_where_there_is_something() -> None:
    notice = text_of(panels.nothing_notice(CHAINS, View()))
    assert "No transactions in this range" in notice
    assert to_query(Filters(parse_range("2023-09-08 07:27:00 to 2023-09-08 07:30:59"))) in notice


def test_no_large_transaction_says_what_large_is() -> None:
    assert panels.nothing_large(CHAINS, Filters(chains=("ethereum",))) == (
        "No transaction of 100.00 ETH or more in this range"
    )


def test_a_large_transaction_keeps_all_its_digits() -> None:
    value = "244.280000000000000001"
    row = transaction_row(
        Transaction(
            "ethereum",
            18090206,
            START,
            7,
            "0x" + "ab" * 32,
            "0x" + "cd" * 20,
            None,
            Kind.CONTRACT_CREATION,
            value,
            "244280000000000000001",
            None,
            None,
            "ETH",
            None,
            None,
            2,
            None,
            0,
            1,
            None,
        )
    )
    assert (row["value"], row["value_exact"]) == ("244.28 ETH", f"{value} ETH")
    assert (row["hash"], row["to"]) == ("0x" + "ab" * 32, "")


def test_peaks_have_a_row_each() -> None:
    peaks = pl.DataFrame([("ethereum", START, START, 838)], schema=NO_PEAKS.schema, orient="row")
    table = text_of(panels.peaks_table(peaks, ["ethereum"]))
    assert "8 Sep 2023, 07:27" in table
    assert "838" in table


def test_a_stream_that_is_late_says_why() -> None:
    late = StreamHealth("ethereum", "late", "no block for 61 s", 18090218, START, START, 61.0)
    badge = text_of(panels.streams([chain("ethereum", "ETH")], [late]))
    assert all(said in badge for said in ("late", "no block for 61 s", "#18,090,218", START.isoformat()))


def test_news_are_read_only_where_they_are_shown() -> None:
    inside = News(frozenset({"ethereum"}), START, START)
    assert touched(inside, VIEW)
    assert touched(EVERYTHING, VIEW)
    assert touched(inside, replace(VIEW, chains=("ethereum",)))
    assert not touched(inside, replace(VIEW, chains=("bitcoin",)))
    assert not touched(News(frozenset({"ethereum"}), LATER, LATER), VIEW)
    assert not touched(News(frozenset({"ethereum"})), VIEW)


def test_a_chart_in_words_says_where_its_lines_end() -> None:
    assert panels.charts(charts(), View(), LATER)[2] == (
        "Transactions per minute over time. At the end: ethereum 699, bitcoin 6."
    )
    assert panels.charts(charts(rate=frame()), View(), LATER)[2] == "Transactions per minute over time. No data."


def test_trends_take_wider_buckets_than_the_rate() -> None:
    spans = ("3m", "1h", "6h", "24h", "7d", "30d", "999d")
    assert [bucket_under(200, Recent(span).length) for span in spans] == [
        Bucket.M1, Bucket.M1, Bucket.M5, Bucket.M15, Bucket.H1, Bucket.D1, Bucket.D1,
    ]  # fmt: skip


def test_numbers_read_well() -> None:
    assert [count(number) for number in (None, 0, 7.5, 2137, 12_400_000)] == ["\u2013", "0", "7.5", "2,137", "12.40 M"]
    assert coins("0.6807252359209582", "ETH") == "0.6807 ETH"
    assert coins("1491.219908150491057278", "ETH") == "1,491.22 ETH"
    assert coins("0.000123456") == "0.0001235"
    assert coins("0.000000123456") == "0.00000012"
    assert coins("1e-15", "ETH") == "<0.00000001 ETH"
    assert exact("1491.219908150491057278", "ETH") == "1,491.219908150491057278 ETH"
    assert (exact(699.0), exact(1491.2199081504912)) == ("699", "1,491.21990815049")
    assert percent(1.0) == "100 %"
    assert [length(timedelta(minutes=each)) for each in (3, 1500)] == ["3 min", "1 d 1 h"]
    assert shortened("0x12ab345678ef") == "0x12ab345678ef"
    assert shortened("0x12ab3456789abcdef") == "0x12ab34…cdef"


def test_alerts_to_be_worked_on_lead_to_their_pages() -> None:
    rows, nothing = panels.alerts([FAN_IN], View(VIEW), LATER)
    assert (rows[0]["path"], nothing) == ("/alerts/7", None)
    assert "Nothing is to be worked on" in json.dumps(panels.alerts([], View(VIEW), LATER), cls=PlotlyJSONEncoder)
