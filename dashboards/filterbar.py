"""The filter bar that all pages share, and how it and the URL follow each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboards.filters import (
    CURSOR,
    EXPECTED,
    NOTHING,
    PRESETS,
    Filters,
    NotUnderstood,
    Range,
    Recent,
    from_query,
    names,
    own_parameters,
    parse_amount,
    parse_range,
    to_query,
)
from dashboards.parts import attributes, labelled
from dashboards.quantities import KIND_NAMES, shortened
from dashboards.zone import ZONE, zone_of
from txhub.contract import Kind

URL, PRESET, TEXT, CHAINS, KINDS = "url", "filter-preset", "filter-range", "filter-chains", "filter-kinds"
SENDERS, RECEIVERS, LEAST, MOST = "filter-senders", "filter-receivers", "filter-least", "filter-most"
CLEAR, NARROWED, FOLDED, HELD = "filter-clear", "filter-narrowed", "filter-folded", "filter-held"

BAR = "filters"

CONTROLS: tuple[str, ...] = (PRESET, TEXT, CHAINS, KINDS, SENDERS, RECEIVERS, LEAST, MOST)
TYPED = (TEXT, LEAST, MOST)
"""Those in which one can mistype."""

Held = dict[str, Any]
"""What each control holds: text, or a list of what is chosen; and of CLEAR, how often it was pressed."""


class Bar(NamedTuple):
    """The query that the controls stand for, what they hold, and what is wrong in which of them."""

    query: str
    held: Held
    mistakes: Mapping[str, str] = NOTHING


def layout() -> html.Div:
    """The bar, empty until the URL is read."""
    return html.Div(
        [
            dcc.Location(id=URL, refresh="callback-nav"),
            dcc.Store(id=HELD),
            # On a phone, all there is of the bar until it is pressed (`assets/navigate.js`).
            html.Button(
                [html.Span(className="icon filters"), html.Span(id=FOLDED, className="in-words")],
                id="unfold-filters",
                type="button",
                className="fold",
                **attributes(aria_expanded="false", aria_controls=BAR),
            ),
            dmc.SegmentedControl(
                id=PRESET,
                data=[{"value": span, "label": name} for span, name in PRESETS.items()],
                value="",
                size="xs",
                className="presets",
                **labelled("Time range"),
            ),
            _typed(TEXT, "Time range in words", EXPECTED, "range"),
            _choice(CHAINS, "Chains", "All chains", []),
            _choice(
                KINDS,
                "Kinds of transactions",
                "All kinds",
                [{"value": kind, "label": name} for kind, name in KIND_NAMES.items()],
            ),
            html.Details(
                [
                    html.Summary(["More filters", html.Span(id=NARROWED, className="narrowed")]),
                    html.Div(
                        [
                            _typed(SENDERS, "Sender", "0x… or bc1…", "address", label="Sender"),
                            _typed(RECEIVERS, "Receiver", "0x… or bc1…", "address", label="Receiver"),
                            _typed(LEAST, "Least amount", "0", "amount", label="Least amount"),
                            _typed(MOST, "Greatest amount", "any", "amount", label="Greatest amount"),
                            html.Button("Clear all filters", id=CLEAR, type="button", className="plain"),
                            html.P(
                                "Amounts are whole coins of each chain. These four narrow lists of transactions; "
                                "charts over time know chains and kinds.",
                                className="hint",
                            ),
                        ],
                        className="more",
                    ),
                ],
                className="morefilters",
            ),
        ],
        id=BAR,
        className="filterbar",
        role="region",
        **labelled("Filters"),
    )


def _typed(name: str, spoken: str, placeholder: str, class_name: str, **options: Any) -> dmc.TextInput:
    return dmc.TextInput(
        id=name,
        debounce=True,
        size="xs",
        className=class_name,
        autoComplete="off",
        placeholder=placeholder,
        **({} if "label" in options else labelled(spoken)),
        **options,
    )


def _choice(name: str, label: str, placeholder: str, options: list[dict[str, str]]) -> html.Div:
    select = dmc.MultiSelect(
        id=name, data=options, placeholder=placeholder, size="xs", clearable=True, searchable=True, **labelled(label)
    )
    return html.Div(select, className="choice")


def bar_of(filters: Filters, zone: tzinfo = UTC, own: Mapping[str, str] = NOTHING) -> Bar:
    """How the bar shows filters; `own` is what the URL says beside them."""
    preset = filters.range.span if isinstance(filters.range, Recent) and filters.range.span in PRESETS else ""
    return Bar(
        to_query(filters, own),
        {
            PRESET: preset,
            TEXT: "" if preset else filters.range.spelled(zone),
            CHAINS: list(filters.chains),
            KINDS: [str(kind) for kind in filters.kinds],
            SENDERS: ", ".join(filters.senders),
            RECEIVERS: ", ".join(filters.receivers),
            LEAST: "" if filters.least is None else f"{filters.least:f}",
            MOST: "" if filters.most is None else f"{filters.most:f}",
        },
    )


_APPLIED: dict[str, Callable[[Filters, Any, tzinfo], Filters]] = {
    CLEAR: lambda filters, _clicks, _zone: Filters(filters.range),
    PRESET: lambda filters, span, _: replace(filters, range=Recent(span)) if span else filters,
    TEXT: lambda filters, text, zone: replace(filters, range=parse_range(text, zone)),
    CHAINS: lambda filters, chosen, _: replace(filters, chains=tuple(chosen)),
    KINDS: lambda filters, chosen, _: replace(filters, kinds=tuple(Kind(kind) for kind in chosen)),
    SENDERS: lambda filters, text, _: replace(filters, senders=names(text)),
    RECEIVERS: lambda filters, text, _: replace(filters, receivers=names(text)),
    LEAST: lambda filters, text, _: replace(filters, least=parse_amount(text)),
    MOST: lambda filters, text, _: replace(filters, most=parse_amount(text)),
}
"""What each control changes of the filters."""


def changed(before: Held | None, held: Held, query: str | None, zone: tzinfo = UTC) -> Bar:
    """The bar, after people changed what its controls hold, and after the URL changed, or either of them.

    Args:
        before: what the controls held when this was last answered; None before the URL was read for the first time. So
            every change since then is known, however many there were: none is lost to another one.
        held: what they hold now.
        query: of the URL, which says all that nobody changed.
        zone: whose clocks times are of.
    """
    was, own, mistakes = from_query(query), own_parameters(query), {}
    filters = was
    for control, apply in _APPLIED.items():
        value = held.get(control) or ""
        if before is None or value == (before.get(control) or ""):
            continue
        try:
            filters = apply(filters, value, zone)
        except NotUnderstood as mistake:
            mistakes[control] = str(mistake)
    if filters == was:
        bar = bar_of(was, zone, own)._replace(query=query or "")  # as it was written
    else:
        bar = bar_of(filters, zone, {name: said for name, said in own.items() if name != CURSOR})
    return bar._replace(held=bar.held | {control: held[control] for control in mistakes}, mistakes=mistakes)


def narrowed(filters: Filters) -> str:
    """The filters that only lists of transactions know, in a few words, or none."""
    words = [
        *(f"from {shortened(address)}" for address in filters.senders),
        *(f"to {shortened(address)}" for address in filters.receivers),
        *([f"\N{GREATER-THAN OR EQUAL TO} {filters.least:,f}"] if filters.least is not None else []),
        *([f"\N{LESS-THAN OR EQUAL TO} {filters.most:,f}"] if filters.most is not None else []),
    ]
    return ", ".join(words)


def in_words(filters: Filters, zone: tzinfo = UTC) -> str:
    """All filters in one line."""
    words = [
        _span_in_words(filters.range, zone),
        ", ".join(filters.chains) or "all chains",
        *([", ".join(KIND_NAMES[kind] for kind in filters.kinds)] if filters.kinds else []),
        *([narrowed(filters)] if filters.narrow else []),
    ]
    return " \N{MIDDLE DOT} ".join(words)


def _span_in_words(span: Range, zone: tzinfo) -> str:
    """A range as it is typed, without the day of its end where that is the day of its beginning."""
    if isinstance(span, Recent):
        return f"last {span.span}"
    start, _, end = span.spelled(zone).partition(" to ")
    return f"{start} to {end.removeprefix(f'{start[:10]} ')}"


def register(app: Dash) -> None:
    """Let the bar and the URL follow each other, in one callback, so that neither chases the other."""

    @app.callback(
        output={
            "query": Output(URL, "search"),
            "shown": [Output(control, "value") for control in CONTROLS],
            "held": Output(HELD, "data"),
            "mistakes": [Output(control, "error") for control in TYPED],
            "narrowed": Output(NARROWED, "children"),
            "folded": Output(FOLDED, "children"),
        },
        inputs={
            "query": Input(URL, "search"),
            "values": [Input(control, "value") for control in CONTROLS],
            "clicks": Input(CLEAR, "n_clicks"),
            "zone": Input(ZONE, "data"),
            "before": State(HELD, "data"),
        },
    )
    def follow(
        query: str | None, values: list[Any], clicks: int | None, zone: str | None, before: Held | None
    ) -> dict[str, Any]:
        held = dict(zip(CONTROLS, values, strict=True)) | {CLEAR: clicks}
        bar = changed(before, held, query, zone_of(zone))
        shown = from_query(bar.query)
        return {
            # An unchanged query is left alone: writing it again would add an entry to the browser's history.
            "query": no_update if bar.query == (query or "") else bar.query,
            "shown": [no_update if bar.held[control] == held[control] else bar.held[control] for control in CONTROLS],
            "held": bar.held | {CLEAR: clicks},
            "mistakes": [bar.mistakes.get(each) for each in TYPED],
            "narrowed": narrowed(shown),
            "folded": in_words(shown, zone_of(zone)),
        }
