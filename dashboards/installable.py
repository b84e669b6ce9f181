"""What makes the dashboard an app of a phone: a manifest, icons, and a service worker for the shell alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SERVICE_WORKER = (Path(__file__).parent / "service-worker.js").read_text(encoding="utf-8")
OFFLINE = (Path(__file__).parent / "offline.html").read_text(encoding="utf-8")

MANIFEST: dict[str, Any] = {
    "name": "txhub",
    "short_name": "txhub",
    "description": "Blockchain transactions as they come: rates, values, peaks, alerts.",
    "id": "/",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#f5f7fa",
    "theme_color": "#0072b2",
    "icons": [
        {"src": "/assets/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable"},
        {"src": "/assets/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
        {"src": "/assets/favicon.svg", "sizes": "any", "type": "image/svg+xml"},
    ],
    "shortcuts": [
        {"name": "Light overview", "url": "/light"},
        {"name": "Operations", "url": "/operations"},
    ],
}
