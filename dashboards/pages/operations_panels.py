"""What the panels of Operations hold, made from what was read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from dash import html

from dashboards.details import table
from dashboards.figures.style import chain_colour
from dashboards.pages.operations_reading import Health, Ledger, Log
from dashboards.parts import age, dot, empty
from dashboards.quantities import NOT_KNOWN, length, moment, percent, shortened, size
from dashboards.view import View
from txhub.contract import OpenFinding, Operations, StreamHealth

SILENT = timedelta(minutes=2)
"""A service that was not seen for so long, and did not say that it stops, is not there."""


def health(read: Health, view: View, now: datetime) -> tuple[Any, ...]:
    """What is wrong, the streams, the services, the rollups, the chunks and the archive."""
    names = [chain.name for chain in read.chains]
    shown = [stream for stream in read.streams if not view.filters.chains or stream.chain in view.filters.chains]
    state = read.operations
    return (
        findings(state.findings, view),
        streams(shown, names, view),
        services(state, view, now),
        rollups(state, view),
        chunks(state),
        archive(state, view),
        f"edition {state.edition}",
    )


def findings(found: list[OpenFinding], view: View) -> Any:
    """What is wrong now."""
    if not found:
        return html.P("Nothing is wrong, as far as the worker sees.", className="well")
    return html.Ul(
        [
            html.Li(
                [
                    html.Span(each.level, className=f"level {each.level}"),
                    html.Strong(each.name.replace("_", " ")),
                    html.Span(each.chain or "", className="chain"),
                    html.Span(each.says, className="says"),
                    age(each.since, view.zone),
                ]
            )
            for each in found
        ],
        className="findings",
    )


def streams(found: list[StreamHealth], names: list[str], view: View) -> Any:
    """Each chain's stream: connection, newest block, and how far behind it is."""
    if not found:
        return empty("No chain is followed yet")
    rows = [
        html.Tr(
            [
                html.Td([dot(chain_colour(stream.chain, names)), " ", stream.chain]),
                html.Td(
                    html.Span(stream.status, className="verdict", title=stream.reason),
                    className=f"stream {stream.status}",
                ),
                html.Td(
                    [(stream.state or "never followed").replace("_", " "), " ", age(stream.since, view.zone)]
                    if stream.since
                    else (stream.state or "never followed").replace("_", " ")
                ),
                html.Td("" if stream.last_block is None else f"#{stream.last_block:,}", className="right number"),
                html.Td(age(stream.last_time, view.zone), className="right"),
                html.Td(_behind(stream), className="right number"),
                html.Td(NOT_KNOWN if stream.coverage is None else percent(stream.coverage), className="right number"),
                html.Td(stream.endpoint or NOT_KNOWN, className="node"),
            ]
        )
        for stream in found
    ]
    titles = ("Chain", "Stream", "Follower", "Newest block:", "Its age:", "Behind the node:", "Last hour:", "Node")
    return table(titles, rows, "Streams of the chains")


def services(state: Operations, view: View, now: datetime) -> Any:
    """The processes, as they were last seen."""
    if not state.services:
        return empty("No service has told of itself yet")
    rows = []
    for each in state.services:
        if each.stopped_at is not None:
            word, tone = "stopped", "idle"
        else:
            word, tone = ("silent", "down") if now - each.seen_at > SILENT else ("runs", "ok")
        rows.append(
            html.Tr(
                [
                    html.Td(each.name, className="wraps"),
                    html.Td(html.Span(word, className="verdict"), className=f"stream {tone}"),
                    html.Td(each.version, className="number"),
                    html.Td(age(each.started_at, view.zone), className="right"),
                    html.Td(age(each.stopped_at or each.seen_at, view.zone), className="right"),
                ]
            )
        )
    return table(("Service", "State", "Version", "Started:", "Last seen:"), rows, "Services")


def rollups(state: Operations, view: View) -> Any:
    """How the rollups are kept."""
    rows = [
        html.Tr(
            [
                html.Td(html.Code(each.name)),
                html.Td("by every commit" if each.last_run is None else moment(each.watermark, view.zone)),
                html.Td(f"every {length(timedelta(seconds=each.every_s))}" if each.last_run else NOT_KNOWN),
                html.Td(
                    html.Span(each.last_status or NOT_KNOWN, title=each.last_error or ""),
                    className="" if (each.last_status or "Success") == "Success" else "worrying",
                ),
                html.Td(age(each.last_run, view.zone) if each.last_run else NOT_KNOWN, className="right"),
                html.Td(f"{each.failures:,}", className="right number"),
            ]
        )
        for each in state.rollups
    ]
    return table(("Rollup", "Kept up to", "Policy", "Last run", "When:", "Failures:"), rows, "Rollups")


def chunks(state: Operations) -> Any:
    """The chunks of each table."""
    rows = [
        html.Tr(
            [
                html.Td(html.Code(each.name)),
                html.Td(length(timedelta(seconds=each.chunk_s))),
                html.Td(
                    "no columnstore"
                    if each.compress_after_s is None
                    else f"after {length(timedelta(seconds=each.compress_after_s))}"
                ),
                html.Td(f"{each.columnstore_chunks:,} of {each.chunks:,}", className="right number"),
                html.Td(size(each.bytes), className="right number", title=f"{each.bytes:,} bytes"),
                html.Td(NOT_KNOWN if each.saved_bytes is None else size(each.saved_bytes), className="right number"),
            ]
        )
        for each in state.tables
    ]
    return table(("Table", "Chunk", "Columnstore", "Chunks there:", "Size:", "Saved:"), rows, "Chunks")


def archive(state: Operations, view: View) -> Any:
    """What the archive holds, and from when on the database has raw rows."""
    gone = "No raw rows are gone from the database."
    if state.horizon is not None:
        gone = f"Raw rows before {moment(state.horizon, view.zone)} are in the archive alone."
    if not state.archive:
        return [empty("Nothing is archived yet."), html.P(gone, className="hint")]
    rows = [
        html.Tr(
            [
                html.Td(each.chain),
                html.Td(html.Code(each.table)),
                html.Td(f"{each.first_day} to {each.last_day}", className="number"),
                html.Td(f"{each.partitions:,}", className="right number"),
                html.Td(f"{each.rows:,}", className="right number"),
                html.Td(size(each.bytes), className="right number", title=f"{each.bytes:,} bytes"),
                html.Td(
                    f"{each.verified:,}",
                    className="right number" if each.verified == each.partitions else "right number worrying",
                ),
                html.Td(f"{each.dropped:,}", className="right number"),
            ]
        )
        for each in state.archive
    ]
    titles = ("Chain", "Table", "Days", "Partitions:", "Rows:", "Size:", "Verified:", "Only there:")
    return [table(titles, rows, "Archive"), html.P(gone, className="hint")]


def ledger(read: Ledger, view: View, _now: datetime) -> tuple[Any, Any]:
    """The gaps of the range, and its reorgs."""
    zone = view.zone
    gaps = [
        html.Tr(
            [
                html.Td(gap.chain),
                html.Td(f"#{gap.from_block:,} to #{gap.to_block:,}", className="number"),
                html.Td(f"{gap.to_block - gap.from_block + 1:,}", className="right number"),
                html.Td(moment(gap.start, zone), className="number"),
                html.Td(length(gap.end - gap.start), className="right"),
            ]
        )
        for gap in read.quality.gaps
    ]
    reorgs = [
        html.Tr(
            [
                html.Td(reorg.chain),
                html.Td(moment(reorg.detected_at, zone), className="number"),
                html.Td(f"{reorg.depth:,}", className="right number"),
                html.Td(f"#{reorg.ancestor:,}", className="right number"),
                html.Td(shortened(reorg.from_hash), title=reorg.from_hash, className="hash"),
                html.Td(shortened(reorg.to_hash), title=reorg.to_hash, className="hash"),
                html.Td(f"{reorg.gone_count:,}", className="right number"),
            ]
        )
        for reorg in read.reorgs
    ]
    gap_titles = ("Chain", "Blocks", "Missing:", "From", "Spans:")
    reorg_titles = ("Chain", "Seen", "Depth:", "Above block:", "Replaced", "By", "Transactions lost:")
    return (
        table(gap_titles, gaps, "Gaps") if gaps else empty("No block is missing between others in this range."),
        table(reorg_titles, reorgs, "Reorgs") if reorgs else empty("No block of this range was replaced."),
    )


def log(read: Log, view: View, _now: datetime) -> tuple[Any, Any, str]:
    """The rows of the event log, what is said where there is none, and whether there are more."""
    rows = [
        {
            "id": str(event.id),
            "time": moment(event.time, view.zone),
            "level": event.level,
            "component": event.component,
            "chain": event.chain or "",
            "event": event.event.replace("_", " "),
            "details": ", ".join(f"{name} {_plain(value)}" for name, value in event.details.items()),
        }
        for event in read.events
    ]
    note = f"the newest {len(rows):,}; a shorter range has the others" if read.more else ""
    return rows, None if rows else empty("Nothing was told in this range"), note


def _behind(stream: StreamHealth) -> str:
    return NOT_KNOWN if stream.lag_blocks is None else f"{stream.lag_blocks:,} blocks"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
