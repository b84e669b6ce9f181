"""The filter bar that all pages share, and how it and the URL follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, Input, Output, ctx, dcc, html, no_update

from dashboards.filters import EXPECTED, PRESETS, Filters, NotARange, Recent, from_query, parse_range, to_query
from dashboards.parts import labelled
from dashboards.quantities import KIND_NAMES
from txhub.contract import Kind

URL, PRESET, TEXT, CHAINS, KINDS = "url", "filter-preset", "filter-range", "filter-chains", "filter-kinds"


class Bar(NamedTuple):
    """The values of the bar's controls, and the query they stand for."""

    query: str
    preset: str
    text: str
    mistake: str | None
    chains: list[str]
    kinds: list[str]


def layout() -> html.Div:
    """The bar, empty until the URL is read."""
    return html.Div(
        [
            dcc.Location(id=URL, refresh="callback-nav"),
            dmc.SegmentedControl(
                id=PRESET,
                data=[*PRESETS],
                value="",
                size="xs",
                className="presets",
                **labelled("Time range"),
            ),
            dmc.TextInput(
                id=TEXT,
                debounce=True,
                size="xs",
                className="range",
                autoComplete="off",
                placeholder=EXPECTED,
                **labelled("Time range in words, UTC"),
            ),
            _choice(CHAINS, "Chains", "All chains", []),
            _choice(
                KINDS,
                "Kinds of transactions",
                "All kinds",
                [{"value": kind, "label": name} for kind, name in KIND_NAMES.items()],
            ),
        ],
        className="filterbar",
        role="search",
        **labelled("Filters"),
    )


def _choice(name: str, label: str, placeholder: str, options: list[dict[str, str]]) -> html.Div:
    select = dmc.MultiSelect(
        id=name, data=options, placeholder=placeholder, size="xs", clearable=True, searchable=True, **labelled(label)
    )
    return html.Div(select, className="choice")


def bar_of(filters: Filters, mistake: str | None = None) -> Bar:
    """How the bar shows filters."""
    preset = filters.range.span if isinstance(filters.range, Recent) and filters.range.span in PRESETS else ""
    text = "" if preset else str(filters.range)
    return Bar(to_query(filters), preset, text, mistake, list(filters.chains), [str(kind) for kind in filters.kinds])


def changed(
    control: str | None, query: str | None, preset: str, text: str, chains: Sequence[str], kinds: Sequence[str]
) -> Bar:
    """The bar after one of its controls, or the URL, was changed; the URL says what the others were."""
    filters = from_query(query)
    if control == PRESET and preset:
        filters = replace(filters, range=Recent(preset))
    elif control == TEXT:
        try:
            filters = replace(filters, range=parse_range(text))
        except NotARange as mistake:
            return bar_of(filters, str(mistake))._replace(preset=preset, text=text)
    elif control == CHAINS:
        filters = replace(filters, chains=tuple(chains))
    elif control == KINDS:
        filters = replace(filters, kinds=tuple(Kind(kind) for kind in kinds))
    return bar_of(filters)


def register(app: Dash) -> None:
    """Let the bar and the URL follow each other, in one callback, so that neither chases the other."""

    @app.callback(
        Output(URL, "search"),
        Output(PRESET, "value"),
        Output(TEXT, "value"),
        Output(TEXT, "error"),
        Output(CHAINS, "value"),
        Output(KINDS, "value"),
        Input(URL, "search"),
        Input(PRESET, "value"),
        Input(TEXT, "value"),
        Input(CHAINS, "value"),
        Input(KINDS, "value"),
    )
    def follow(
        query: str | None, preset: str | None, text: str | None, chains: list[str] | None, kinds: list[str] | None
    ) -> tuple[Any, ...]:
        control = ctx.triggered_id if len(ctx.triggered) == 1 else URL
        bar = changed(control, query, preset or "", text or "", chains or [], kinds or [])
        # An unchanged query is left alone: writing it again would add an entry to the browser's history.
        search = no_update if bar.query == (query or "") or bar.mistake or control == URL else bar.query
        return search, *bar[1:]
