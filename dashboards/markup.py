"""Dash's HTML components as HTML: for pages that a server writes whole, and that need no scripts to be read."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_EMPTY = frozenset({"img", "br", "input", "meta", "link", "hr"})
_NAMES = {"className": "class", "dateTime": "datetime", "tabIndex": "tabindex", "htmlFor": "for", "colSpan": "colspan"}
_UNSEEN = frozenset({"children", "key"})


def markup(component: Any) -> str:
    """The HTML of a component of `dash.html`, a list of them, text, a number or nothing."""
    return "".join(_written(component))


def _written(component: Any) -> Iterator[str]:
    if component is None:
        return
    if isinstance(component, list | tuple):
        for each in component:
            yield from _written(each)
    elif not hasattr(component, "to_plotly_json"):
        yield escape(str(component), quote=False)
    else:
        said = component.to_plotly_json()
        tag, props = said["type"].lower(), said["props"]
        yield f"<{tag}{''.join(_attributes(props))}>"
        if tag not in _EMPTY:
            yield from _written(props.get("children"))
            yield f"</{tag}>"


def _attributes(props: dict[str, Any]) -> Iterator[str]:
    for name, value in props.items():
        if name in _UNSEEN or value is None or value is False:
            continue
        if name == "style":
            value = ";".join(f"{_dashed(each)}:{said}" for each, said in value.items())
        yield f" {_NAMES.get(name, name)}" + ("" if value is True else f'="{escape(str(value))}"')


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
