"""Components as HTML: what is text stays text, whatever stands in it."""

from __future__ import annotations

from dash import html

from dashboards.cards import sparkline
from dashboards.details import table
from dashboards.markup import markup
from dashboards.parts import age, attributes


def test_components_become_html() -> None:
    written = markup(
        html.Div(
            ["a < b", None, 7, [html.Img(src="x", alt=""), html.Span(html.Br(), hidden=True)]],
            className="one two",
            style={"minHeight": "3px", "color": "red"},
            **attributes(aria_busy="true"),
        )
    )
    assert written == (
        '<div class="one two" style="min-height:3px;color:red" aria-busy="true">a &lt; b7<img alt="" src="x">'
        "<span hidden><br></span></div>"
    )


def test_nothing_in_it_can_be_more_than_text() -> None:
    evil = "<script>alert(1)</script>"
    assert markup(html.Td(evil, title='"' + evil)) == (
        '<td title="&quot;&lt;script&gt;alert(1)&lt;/script&gt;">&lt;script&gt;alert(1)&lt;/script&gt;</td>'
    )


def test_what_panels_are_made_of_is_written() -> None:
    assert markup(age(None)) == '<time class="age">never</time>'
    assert markup(sparkline([1.0, 2.0], "#0072B2")).startswith(
        '<span class="spark"><img alt="" src="data:image/svg+xml,'
    )


def test_cells_of_a_table_too_wide_for_a_phone_say_their_titles() -> None:
    titles = ("Chain", "Stream", "Age:", "Behind:", "Node")
    wide = markup(table(titles, [html.Tr([html.Td(title) for title in titles])], "Streams"))
    assert 'class="short many"' in wide
    assert '<td data-title="Age">' in wide
    assert "data-title" not in markup(table(titles[:3], [html.Tr([html.Td("x")] * 3)], "Streams"))
