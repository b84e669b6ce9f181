"""The typed client of txhub's API, for programs, notebooks and the dashboard.

    with Client("http://127.0.0.1:8050") as txhub:
        frame = txhub.series("tx_rate", chain="ethereum", start="-24h", bucket="1m")

`AsyncClient` has the same methods to await. Frames travel as Arrow; amounts that must stay exact
are strings in them, as they are in JSON.
"""

from __future__ import annotations

from txhub.client.awaiting import AsyncClient
from txhub.client.blocking import Client
from txhub.client.wire import ApiError, StatementRows, StreamEvent
from txhub.errors import TxhubError, Unavailable
from txhub.questions import SeriesQuestion

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "SeriesQuestion",
    "StatementRows",
    "StreamEvent",
    "TxhubError",
    "Unavailable",
]
