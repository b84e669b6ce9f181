"""What the search box lists, and where its hits lead."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from plotly.utils import PlotlyJSONEncoder

from dashboards.searchbox import listed, path_of
from txhub.contract import Hit, HitKind, Hits

HASH, ADDRESS = "0x" + "ab" * 32, "0x" + "cd" * 20


def hit(kind: HitKind, chain: str | None, title: str, detail: str | None, link: str) -> Hit:
    return Hit(kind, chain, title, detail, None, link)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_hits_lead_to_their_pages() -> None:
    transaction = hit(HitKind.TRANSACTION, "ethereum", HASH, None, f"/v1/transactions/ethereum/{HASH}?block=7")
    token = hit(HitKind.TOKEN, "ethereum", "USDT", ADDRESS, f"/v1/tokens/ethereum/{ADDRESS}")
    everywhere = hit(HitKind.LABEL, None, "an exchange", None, f"/v1/search?q={ADDRESS}")
    assert path_of(transaction) == f"/transactions/ethereum/{HASH}"
    assert path_of(hit(HitKind.BLOCK, "base", "7", None, "/v1/blocks/base/7")) == "/blocks/base/7"
    assert path_of(token) == f"/addresses/ethereum/{ADDRESS}"
    assert path_of(everywhere) is None
    said = text_of(listed("0xab", Hits([transaction, everywhere], None)))
    assert f'"href": "/transactions/ethereum/{HASH}"' in said
    assert "an exchange" in said


def test_nothing_found_says_how_far_that_is_known() -> None:
    since = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert "Nothing is called gold here." in text_of(listed("gold", Hits([], None)))
    assert "Older transactions than of 1 Mar 2026, 22:30 UTC" in text_of(listed(HASH, Hits([], since)))
