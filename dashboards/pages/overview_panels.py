"""What the panels of the Overview hold, made from what was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

import polars as pl
from dash import html

from dashboards.figures import overview as figures
from dashboards.figures.style import chain_colour
from dashboards.filters import Between, Filters, Recent, to_query
from dashboards.parts import age, dot, empty, link, notice, panel
from dashboards.quantities import change, coins, count, exact, length, minute, moment, percent
from dashboards.reading import Overview
from dashboards.summary import ChainSummary, summarise
from dashboards.tables import transaction_row
from dashboards.view import View
from dashboards.zone import short_name
from txhub.contract import BlockEvent, ChainInfo, StreamHealth


def content(shown: Overview, view: View, now: datetime) -> tuple[Any, ...]:
    """Everything on the page, from what was read."""
    filters, zone = view.filters, view.zone
    summaries = summarise(shown.rate, shown.volume, shown.bucket, now)
    rate = figures.rate(
        shown.rate,
        # Peaks count every kind, so they are not on the line of some.
        shown.peaks.clear() if filters.kinds else shown.peaks,
        shown.names,
        gaps=shown.quality.gaps,
        provisional_from=shown.quality.provisional_from,
        zone=zone,
    )
    return (
        nothing_notice(shown, view) if not summaries else None,
        cards(shown, summaries, view),
        quality_note(shown, view),
        rate,
        _spoken("Transactions per minute", summaries, lambda each: f"{count(each.rate_now)} now"),
        figures.avg_value(shown.avg_value, shown.names, shown.symbols, zone),
        _spoken("Average value", summaries, lambda each: coins(each.avg_value, shown.symbols[each.chain])),
        figures.volume(shown.volume, shown.names, shown.symbols, shown.wide, zone),
        _spoken("Volume by kind", summaries, lambda each: coins(each.volume, shown.symbols[each.chain])),
        peaks_table(shown.peaks, shown.names, zone),
        [transaction_row(transaction, zone) for transaction in shown.large],
        None if shown.large else html.P(nothing_large(shown, filters), className="empty"),
    )


def cards(shown: Overview, summaries: dict[str, ChainSummary], view: View) -> list[html.Section]:
    """Rate, average value and volume: a line for each chain, for their coins are never added."""
    rows = [summaries[name] for name in shown.names if name in summaries]
    symbols, filters = shown.symbols, view.filters

    def card(title: str, note: str, lines: list[html.Div]) -> html.Section:
        body: list[Any] = [*lines] or [html.P("No transactions in this range", className="empty")]
        return panel(title, html.Div(body, className="figures one" if len(lines) == 1 else "figures"), note=note)

    return [
        card(
            "Transactions per minute",
            "now, and against this range" if isinstance(filters.range, Recent) else "at the end, and over this range",
            [
                _figure(
                    each.chain,
                    shown.names,
                    count(each.rate_now),
                    "tx/min",
                    [
                        _change(each),
                        f"average {count(each.rate_usual)}" if each.rate_usual is not None else "",
                    ],
                    f"{exact(each.rate_now)} transactions per minute, at {moment(each.rate_at, view.zone)} {view.zone}",
                )
                for each in rows
            ],
        ),
        card(
            "Average value",
            "per transaction",
            [
                _figure(
                    each.chain,
                    shown.names,
                    coins(each.avg_value),
                    symbols[each.chain],
                    [f"of {count(round(each.tx_count))} tx"],
                    exact(each.avg_value, symbols[each.chain]),
                )
                for each in rows
            ],
        ),
        card(
            "Volume",
            _span(filters),
            [
                _figure(
                    each.chain,
                    shown.names,
                    coins(each.volume),
                    symbols[each.chain],
                    [],
                    exact(each.volume, symbols[each.chain]),
                )
                for each in rows
            ],
        ),
    ]


def quality_note(shown: Overview, view: View) -> list[Any]:
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


def nothing_notice(shown: Overview, view: View) -> html.Div:
    """Why nothing is shown, and where there is something."""
    filters = view.filters
    chosen = [chain for chain in shown.chains if not filters.chains or chain.name in filters.chains]
    firsts = [chain.first_time for chain in chosen if chain.first_time]
    lasts = [chain.last_time for chain in chosen if chain.last_time]
    if not firsts or not lasts:
        return notice("Nothing is committed yet", "The first blocks appear here as soon as they are in.")
    start, end = min(firsts).replace(second=0), max(lasts).replace(second=59)
    everything = replace(filters, range=Between(start, end))
    reach = f"from {minute(start, view.zone)} to {minute(end, view.zone)} {short_name(view.zone, end)}"
    text = [f"Committed blocks reach {reach}. ", link("Show those", f"/{to_query(everything)}")]
    return notice("No transactions in this range", text)


def nothing_large(shown: Overview, filters: Filters) -> str:
    """What would count as a large transaction, where there is none."""
    chosen = [chain for chain in shown.chains if not filters.chains or chain.name in filters.chains]
    limits = ", ".join(dict.fromkeys(coins(chain.large_value, chain.symbol) for chain in chosen))
    return f"No transaction of {limits} or more in this range" if limits else "No chain is followed yet"


def _span(filters: Filters) -> str:
    asked = filters.range
    return f"last {asked.span}" if isinstance(asked, Recent) else f"in {length(asked.length)}"


def _figure(chain: str, names: list[str], number: str, unit: str, notes: list[Any], title: str) -> html.Div:
    return html.Div(
        [
            html.Div([dot(chain_colour(chain, names)), chain], className="chain"),
            html.Div(
                [html.Span(number, className="value"), html.Span(unit, className="unit")],
                className="amount",
                title=title,
            ),
            html.Div(notes, className="aside"),
        ],
        className="figure",
    )


def _change(each: ChainSummary) -> html.Span | str:
    text = change(each.rate_now, each.rate_usual)
    if text is None:
        return ""
    direction = "up" if (each.rate_now or 0) >= (each.rate_usual or 0) else "down"
    return html.Span(text, className=f"change {direction}")


def _spoken(title: str, summaries: dict[str, ChainSummary], value: Any) -> str:
    spoken = ", ".join(f"{name} {value(each)}" for name, each in summaries.items())
    return f"{title} over time. {spoken or 'No data'}."
