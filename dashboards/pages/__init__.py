"""The pages of the dashboard, a module each. How one is added: see the README of dashboards/."""

from __future__ import annotations

from dashboards.page import Page
from dashboards.pages import (
    addresses,
    alerts,
    blocks,
    exposure,
    flows,
    history,
    operations,
    origins,
    overview,
    rules,
    transactions,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    flows.PAGE,
    addresses.PAGE,
    transactions.PAGE,
    alerts.PAGE,
    history.PAGE,
    origins.PAGE,
    exposure.PAGE,
    operations.PAGE,
    blocks.PAGE,
    rules.PAGE,
)
"""In the order of the navigation."""
