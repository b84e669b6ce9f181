"""What a page is, and which one an address leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from dash import Dash
from dash.development.base_component import Component

from dashboards.live import Hub
from txhub.client import AsyncClient

Parts = tuple[str, ...]
"""What an address says after a page's path: `("ethereum", "0x12…")` of `/addresses/ethereum/0x12…`."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: a module of `dashboards/pages` has one, and `dashboards.pages.PAGES` lists it.

    `layout` makes the page before anything is read, or None where there is no page of these parts. `register` adds
    its callbacks, once, when the application is made.
    """

    path: str
    """`/history`; the Overview has `/`."""
    name: str
    icon: str
    """The name of its shape in `assets/icons.css`."""
    layout: Callable[[Parts], Component | None]
    register: Callable[[Dash, AsyncClient, Hub], None]
    listed: bool = True
    """Whether the navigation links to it; others are reached from what they are about."""


def parts_of(path: str, pathname: str | None) -> Parts | None:
    """What an address says after the path of a page, or None if it leads elsewhere."""
    asked, path = (pathname or "/").rstrip("/"), path.rstrip("/")
    if asked == path:
        return ()
    if not path or not asked.startswith(f"{path}/"):
        return None
    return tuple(unquote(part) for part in asked.removeprefix(f"{path}/").split("/"))


def find(pages: Sequence[Page], pathname: str | None) -> tuple[Page, Parts] | None:
    """The page of an address, and what the address says beyond its path."""
    for page in pages:
        if (parts := parts_of(page.path, pathname)) is not None:
            return page, parts
    return None
