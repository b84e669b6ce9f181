"""What the panels of the Overview hold, made from what was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import polars as pl
from dash import html

from dashboards.cards import CARDS, stat_card
from dashboards.figures import overview as drawn
from dashboards.figures.style import chain_colour
from dashboards.filters import Between, Filters, to_query
from dashboards.pages.alert_panels import row_of as alert_row
from dashboards.pages.overview_reading import Charts, Figures, Large
from dashboards.parts import age, dot, empty, link, notice
from dashboards.quantities import coins, count, exact, length, minute, percent
from dashboards.reading import chosen, reach
from dashboards.tables import transaction_row
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import Alert, BlockEvent, ChainInfo, StreamHealth


def figures(read: Figures, view: View, now: datetime) -> tuple[Any, Any]:
    """The notice that there is nothing, and the cards."""
    names = [chain.name for chain in read.chains]
    nothing = not any(chain.tx_count for chain in read.summary.items)
    shown = [
        stat_card(card, read.summary.items, names, _trends(*read.trends[card.metric], now))
        for card in CARDS
        if card.metric in read.trends
    ]
    return nothing_notice(read.chains, view) if nothing else None, shown


def charts(read: Charts, view: View, _now: datetime) -> tuple[Any, ...]:
    """How complete the range is, the charts with what they say to those who hear them, and the peaks."""
    zone = view.zone
    rate = drawn.rate(
        read.rate,
        # Peaks count every kind, so they are not on the line of some.
        read.peaks.clear() if view.filters.kinds else read.peaks,
        read.names,
        gaps=read.quality.gaps,
        provisional_from=read.quality.provisional_from,
        anomalies=read.anomalies,
        zone=zone,
    )
    return (
        quality_note(read, view),
        rate,
        _spoken("Transactions per minute", read.rate, count),
        drawn.avg_value(read.avg_value, read.names, read.symbols, zone),
        _spoken("Average value", read.avg_value, coins),
        drawn.volume(read.volume, read.names, read.symbols, read.wide, zone),
        _spoken("Volume by kind", read.volume, coins),
        peaks_table(read.peaks, read.names, zone),
    )


def alerts(read: list[Alert], view: View, _now: datetime) -> tuple[Any, Any]:
    """The rows of alerts, and what is said where there is none."""
    rows = [alert_row(alert, view.zone) for alert in read]
    return rows, None if rows else empty("Nothing is to be worked on in this range.")


def large(read: Large, view: View, _now: datetime) -> tuple[Any, Any]:
    """The rows of large transactions, and what is said where there is none."""
    rows = [transaction_row(transaction, view.zone) for transaction in read.transactions]
    return rows, None if rows else empty(nothing_large(read.chains, view.filters))


def quality_note(shown: Charts, view: View) -> list[Any]:
    """How complete the range is, what of it may still change, and how wide a point of the charts is."""
    quality = shown.quality
    if quality.coverage is None:
        complete, tone = "No blocks of this range are in", "none"
    elif quality.coverage >= 1:
        complete, tone = "All blocks of this range are in", "full"
    else:
        complete, tone = f"{percent(quality.coverage)} of blocks in this range are in", "partly"
    parts: list[Any] = [html.Span(complete, className=f"complete {tone}")]
    if quality.gaps:
        missing = sum(gap.to_block - gap.from_block + 1 for gap in quality.gaps)
        parts.append(html.Span(f"{missing:,} missing, shaded grey"))
    if quality.coverage and quality.provisional_from is not None:
        parts.append(
            html.Span(
                ["provisional since ", html.Time(f"{quality.provisional_from.astimezone(view.zone):%H:%M:%S}")],
                title="A reorganisation of the chain may still replace the newest blocks",
            )
        )
    parts.append(html.Span(f"one point is {length(shown.bucket)}"))
    return parts


def peaks_table(peaks: pl.DataFrame, names: list[str], zone: tzinfo = UTC) -> Any:
    """The busiest minute of each of the busiest hours, chain by chain, with bars to compare them by."""
    if peaks.is_empty():
        return empty("No peaks in this range")
    most = dict(peaks.group_by("chain").agg(pl.col("tx_count").max()).iter_rows())
    return html.Table(
        [
            html.Thead(html.Tr([html.Th("Minute"), html.Th("Chain"), html.Th("tx/min", className="number")])),
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Td(minute(row["minute"], zone), className="number"),
                            html.Td([dot(chain_colour(row["chain"], names)), row["chain"]]),
                            html.Td(
                                [
                                    html.Span(
                                        className="bar",
                                        style={
                                            "width": f"{row['tx_count'] / most[row['chain']]:.1%}",
                                            "background": chain_colour(row["chain"], names),
                                        },
                                    ),
                                    html.Span(f"{row['tx_count']:,}"),
                                ],
                                className="number barred",
                            ),
                        ]
                    )
                    for row in peaks.iter_rows(named=True)
                ]
            ),
        ],
        className="peaks",
    )


def streams(chains: list[ChainInfo], health: list[StreamHealth], zone: tzinfo = UTC) -> list[html.Div]:
    """Each chain's stream: its colour, its name, its newest block and that block's age, or what is wrong."""
    names = [chain.name for chain in chains]
    return [
        html.Div(
            [
                dot(chain_colour(stream.chain, names)),
                html.Span(stream.chain, className="chain"),
                html.Span(stream.status, className="verdict"),
                html.Span(f"#{stream.last_block:,}" if stream.last_block is not None else "", className="block"),
                age(stream.last_time, zone),
            ],
            className=f"stream {stream.status}",
            role="listitem",
            title=stream.reason or f"{stream.chain}: {stream.status}",
        )
        for stream in health
    ]


def blocks(chains: list[ChainInfo], announced: list[BlockEvent], zone: tzinfo = UTC) -> Any:
    """The blocks that were just committed, newest first."""
    if not announced:
        return empty("The next block appears here as soon as it is committed.")
    names = [chain.name for chain in chains]
    return html.Div([block_row(block, names, zone) for block in announced], className="blocks")


def block_row(block: BlockEvent, names: list[str], zone: tzinfo = UTC) -> html.Div:
    """A block that was just committed."""
    return html.Div(
        [
            dot(chain_colour(block.chain, names)),
            html.Span(f"#{block.number:,}", className="height", title=f"{block.chain} {block.hash}"),
            html.Span(f"{block.tx_count:,} tx", className="number"),
            html.Span(coins(block.value, block.symbol), className="number", title=exact(block.value, block.symbol)),
            age(block.time, zone),
        ],
        className="announced",
        key=block.hash,
    )


def nothing_notice(chains: list[ChainInfo], view: View) -> html.Div:
    """Why nothing is shown, and where there is something."""
    committed = reach(chosen(chains, view.filters.chains))
    if committed is None:
        return notice("Nothing is committed yet", "The first blocks appear here as soon as they are in.")
    start, end = committed
    everything = replace(view.filters, range=Between(start, end))
    said = f"from {minute(start, view.zone)} to {minute(end, view.zone)} {short_name(view.zone, end)}"
    text = [f"Committed blocks reach {said}. ", link("Show those", f"/{to_query(everything)}")]
    return notice("No transactions in this range", text)


def nothing_large(chains: list[ChainInfo], filters: Filters) -> str:
    """What would count as a large transaction, where there is none."""
    if filters.narrow:
        return "No transaction of this range meets the filters"
    limits = ", ".join(
        dict.fromkeys(coins(chain.large_value, chain.symbol) for chain in chosen(chains, filters.chains))
    )
    return f"No transaction of {limits} or more in this range" if limits else "No chain is followed yet"


def _trends(series: pl.DataFrame, bucket: timedelta, now: datetime) -> dict[str, list[float | None]]:
    """The values of each chain, but for the bucket that is not over yet: it would look like a fall."""
    over = series.filter(pl.col("time") + bucket <= now)
    lines = over.sort("time").group_by("chain", maintain_order=True)
    return {str(chain): line["value"].to_list() for (chain,), line in lines}


def _spoken(title: str, series: pl.DataFrame, spelled: Callable[[float], str]) -> str:
    """A chart in words: where each of its lines ends."""
    known = series.filter(pl.col("value").is_not_null()).sort("time")
    ends = known.group_by("chain", maintain_order=True).last().select("chain", "value")
    spoken = ", ".join(f"{chain} {spelled(value)}" for chain, value in ends.iter_rows())
    return f"{title} over time. {f'At the end: {spoken}' if spoken else 'No data'}."
