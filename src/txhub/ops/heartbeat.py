"""The dead man's switch: tells a service elsewhere that the worker lives; it raises the alarm when it hears nothing.

Whatever stops the worker, its machine or its network included, stops this.
"""

from __future__ import annotations

import asyncio

import httpx
import structlog

TIMEOUT_S = 10.0
_log = structlog.get_logger("heartbeat")


async def keep_beating(url: str, every_s: float) -> None:
    """GET the URL for ever. A call that fails is logged, without the URL, which is a secret, and made again."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True) as client:
        while True:
            await beat(client, url)
            await asyncio.sleep(every_s)


async def beat(client: httpx.AsyncClient, url: str) -> bool:
    """One call; whether it was answered with success."""
    try:
        answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        _log.warning("heartbeat_failed", reason=type(failure).__name__)
        return False
    if not answer.is_success:
        _log.warning("heartbeat_failed", status=answer.status_code)
    return answer.is_success
