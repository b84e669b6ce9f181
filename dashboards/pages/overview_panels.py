"""What the panels of the Overview hold, made from what was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from dash import dcc, html

from dashboards.figures import overview as figures
from dashboards.figures.style import chain_colour
from dashboards.filters import Between, Filters, Recent, to_query
from dashboards.parts import age, dot, notice, panel
from dashboards.quantities import KIND_NAMES, change, coins, count, exact, length, minute, moment, percent
from dashboards.reading import Overview
from dashboards.summary import ChainSummary, summarise
from txhub.contract import BlockEvent, Transaction


def content(shown: Overview, filters: Filters, now: datetime) -> tuple[Any, ...]:
    """Everything on the page, from what was read."""
    summaries = summarise(shown.rate, shown.volume, shown.bucket, now)
    rate = figures.rate(
        shown.rate,
        # Peaks count every kind, so they are not on the line of some.
        shown.peaks.clear() if filters.kinds else shown.peaks,
        shown.names,
        gaps=shown.quality.gaps,
        provisional_from=shown.quality.provisional_from,
    )
    return (
        nothing_notice(shown, filters) if not summaries else None,
        cards(shown, summaries, filters),
        quality_note(shown),
        rate,
        _spoken("Transactions per minute", summaries, lambda each: f"{count(each.rate_now)} now"),
        figures.avg_value(shown.avg_value, shown.names, shown.symbols),
        _spoken("Average value", summaries, lambda each: coins(each.avg_value, shown.symbols[each.chain])),
        figures.volume(shown.volume, shown.names, shown.symbols, shown.wide),
        _spoken("Volume by kind", summaries, lambda each: coins(each.volume, shown.symbols[each.chain])),
        peaks_table(shown.peaks, shown.names),
        [grid_row(transaction) for transaction in shown.large],
        None if shown.large else html.P(nothing_large(shown, filters), className="empty"),
    )


def cards(shown: Overview, summaries: dict[str, ChainSummary], filters: Filters) -> list[html.Section]:
    """Rate, average value and volume: a line for each chain, for their coins are never added."""
    rows = [summaries[name] for name in shown.names if name in summaries]
    symbols = shown.symbols

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
                    f"{exact(each.rate_now)} transactions per minute, from {moment(each.rate_at)} UTC",
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


def quality_note(shown: Overview) -> list[Any]:
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
                ["provisional since ", html.Time(f"{quality.provisional_from:%H:%M:%S}")],
                title="A reorganisation of the chain may still replace the newest blocks",
            )
        )
    parts.append(html.Span(f"one point is {length(shown.bucket)}"))
    return parts


def peaks_table(peaks: pl.DataFrame, names: list[str]) -> Any:
    """The busiest minute of each of the busiest hours, chain by chain, with bars to compare them by."""
    if peaks.is_empty():
        return html.P("No peaks in this range", className="empty")
    most = dict(peaks.group_by("chain").agg(pl.col("tx_count").max()).iter_rows())
    return html.Table(
        [
            html.Thead(html.Tr([html.Th("Minute (UTC)"), html.Th("Chain"), html.Th("tx/min", className="number")])),
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Td(minute(row["minute"]), className="number"),
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


def grid_row(transaction: Transaction) -> dict[str, Any]:
    """A large transaction as a row of the grid."""
    return {
        "time": moment(transaction.block_time),
        "chain": transaction.chain,
        "value": coins(transaction.value, transaction.symbol),
        "value_exact": exact(transaction.value, transaction.symbol),
        "kind": KIND_NAMES[transaction.kind],
        "from": transaction.from_address or "",
        "to": transaction.to_address or "",
        "hash": transaction.hash,
    }


def block_row(block: BlockEvent, names: list[str]) -> html.Div:
    """A block that was just committed."""
    return html.Div(
        [
            dot(chain_colour(block.chain, names)),
            html.Span(f"#{block.number:,}", className="height", title=f"{block.chain} {block.hash}"),
            html.Span(f"{block.tx_count:,} tx", className="number"),
            html.Span(coins(block.value, block.symbol), className="number", title=exact(block.value, block.symbol)),
            age(block.time),
        ],
        className="announced",
        key=block.hash,
    )


def nothing_notice(shown: Overview, filters: Filters) -> html.Div:
    """Why nothing is shown, and where there is something."""
    chosen = [chain for chain in shown.chains if not filters.chains or chain.name in filters.chains]
    firsts = [chain.first_time for chain in chosen if chain.first_time]
    lasts = [chain.last_time for chain in chosen if chain.last_time]
    if not firsts or not lasts:
        return notice("Nothing is committed yet", "The first blocks appear here as soon as they are in.")
    start, end = min(firsts).replace(second=0), max(lasts).replace(second=59)
    everything = Filters(Between(start, end), filters.chains, filters.kinds)
    text = [
        f"Committed blocks reach from {minute(start)} to {minute(end)} UTC. ",
        dcc.Link("Show those", href=f"/{to_query(everything)}"),
    ]
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
