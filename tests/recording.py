"""Record the examples of the OpenAPI document: `python -m tests.recording http://127.0.0.1:8050`.

Asks a running demo (`txhub demo`) everything that the API answers, and writes what it says to
src/txhub/api/examples. What is made for that (a label, an entry of a watchlist, a rule, a backtest) is ended again; the
newest alert stays acknowledged. The demo has to have had a reorg, which takes up to some hours.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from txhub.api import examples
from txhub.client.wire import EVENTS, JSON

FOLDER = Path(examples.__file__).parent
CSV = "text/csv"
MOST = 3
"""Items of each list that are shown."""
CHAIN = "demo-eth"
NOBODY = "0x00000000000000000000000000000000000000a1"
RULE = {"pattern": "amount", "amount": {"usd": 5_000_000}, "scope": {"without_labels": ["exchange"]}}


class Recorder:
    """Asks, and keeps what was answered by operation."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.operations: dict[tuple[str, str], dict[str, Any]] = {}

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        /,
        *,
        csv: bool = False,
        having: str | None = None,
        body: dict[str, Any] | None = None,
        query: str = "",
        **segments: object,
    ) -> Any:
        """Ask, and record it under a name; returns what is answered.

        `having` leaves items out of which the last field is nothing.
        """
        address = path.format(**segments) + (f"?{query}" if query else "")
        response = self._client.request(method, address, json=body, headers={"accept": JSON}).raise_for_status()
        recorded: dict[str, Any] = {"request": f"{method} {address}"}
        if body is not None:
            recorded["body"] = body
        recorded["status"] = response.status_code
        if response.content:
            answer = response.json()
            if having is not None:
                answer["items"] = [item for item in answer["items"] if item[having]]
            recorded["answer"] = shortened(answer)
        if csv:
            text = self._client.get(address, headers={"accept": CSV}).raise_for_status().text
            rows = [line for line in text.splitlines(keepends=True) if having is None or not line.endswith(",0\n")]
            recorded["texts"] = {CSV: first(rows, MOST + 1)}
        self._keep(name, method, path, recorded)
        return response.json() if response.content else None

    def read(self, name: str, path: str, media_type: str, text: str, query: str = "") -> None:
        """Record a text."""
        address = path + (f"?{query}" if query else "")
        self._keep(name, "GET", path, {"request": f"GET {address}", "status": 200, "texts": {media_type: text}})

    def _keep(self, name: str, method: str, path: str, recorded: dict[str, Any]) -> None:
        self.operations.setdefault((method.lower(), path), {})[name] = recorded


def shortened(value: Any) -> Any:
    """An answer with the beginnings of its lists; pairs and the like are no lists."""
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        kept = (
            value
            if all(not isinstance(each, dict | list) for each in value) and len(value) <= 2 * MOST
            else value[:MOST]
        )
        return [shortened(each) for each in kept]
    return value


def record(url: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Ask the demo at `url` everything."""
    with httpx.Client(base_url=url, timeout=60) as client:
        asked = Recorder(client)
        series(asked)
        details(asked)
        alerting(asked)
        changes(asked)
        texts(asked, client)
    # A key that works is nobody else's to see, so this question alone was not asked.
    sign_in = {"request": "POST /v1/session", "body": {"key": "txhub_" + "x" * 43}, "status": 204}
    asked.operations["post", "/v1/session"] = {"key": sign_in}
    return asked.operations


def series(asked: Recorder) -> None:
    """What is summed up."""
    one_day = f"chain={CHAIN}&start=-24h&bucket=1h"
    asked.ask("chains", "GET", "/v1/chains", csv=True)
    asked.ask("rate", "GET", "/v1/series/{metric}", metric="tx_rate", query=one_day, csv=True)
    split = "start=-24h&bucket=1h&by=chain,kind"
    asked.ask("split", "GET", "/v1/series/{metric}", metric="tx_rate", query=split, csv=True)
    compared = f"chain={CHAIN}&start=-6h&bucket=1h&unit=usd&compare=12h"
    asked.ask("compared", "GET", "/v1/series/{metric}", metric="volume", query=compared, csv=True)
    quantiles = f"chain={CHAIN}&kind=transfer&start=-6h"
    asked.ask("quantiles", "GET", "/v1/series/{metric}", metric="value_quantiles", query=quantiles)
    asked.ask("day", "GET", "/v1/summary", query=f"chain={CHAIN}&start=-6h&compare=12h", csv=True)
    week = f"chain={CHAIN}&tz=Europe/Berlin"
    asked.ask("week", "GET", "/v1/week/{metric}", metric="tx_rate", query=week, csv=True, having="hours")
    asked.ask("usual", "GET", "/v1/expected", query=f"chain={CHAIN}&start=-6h", csv=True)
    asked.ask("minutes", "GET", "/v1/peaks", query="start=-24h&limit=3", csv=True)
    asked.ask("windows", "GET", "/v1/peaks", query="start=-24h&window=15m&limit=3", csv=True)
    top = f"chain={CHAIN}&start=-24h&rank=value&limit=3"
    for side in ("senders", "receivers"):
        asked.ask(side, "GET", f"/v1/top/{side}", query=top, csv=True)
    asked.ask("tokens", "GET", "/v1/tokens", query=f"chain={CHAIN}&start=-24h&limit=3", csv=True)
    asked.ask("countries", "GET", "/v1/origins", query=f"chain={CHAIN}&start=-24h", csv=True)
    asked.ask("peers", "GET", "/v1/observers", query=f"chain={CHAIN}", csv=True)
    asked.ask("hours", "GET", "/v1/coverage", query=f"chain={CHAIN}&start=-3h&bucket=1h", csv=True)


def details(asked: Recorder) -> None:
    """Single things, found by the pages that list them."""
    page = asked.ask(
        "large", "GET", "/v1/transactions", query=f"chain={CHAIN}&min_value=50&start=-24h&limit=3", csv=True
    )
    large = page["items"][0]
    asked.ask("large", "GET", "/v1/transactions/{chain}/{tx_hash}", chain=CHAIN, tx_hash=large["hash"])
    asked.ask("by_number", "GET", "/v1/blocks/{chain}/{block}", chain=CHAIN, block=large["block_number"])
    flows = asked.ask("busiest", "GET", "/v1/flows", query=f"chain={CHAIN}&start=-24h&rank=value&limit=3", csv=True)
    sender = flows["items"][0]["from_address"]
    around = f"chain={CHAIN}&start=-24h&address={sender}&depth=2&limit=3"
    asked.ask("around", "GET", "/v1/flows", query=around, csv=True)
    asked.ask("day", "GET", "/v1/addresses/{chain}/{address}", chain=CHAIN, address=sender, query="start=-24h&limit=3")
    token = asked.operations["get", "/v1/tokens"]["tokens"]["answer"]["items"][0]["token_address"]
    one_day = "start=-24h&bucket=1h"
    asked.ask("hours", "GET", "/v1/tokens/{chain}/{address}", chain=CHAIN, address=token, query=one_day, csv=True)
    asked.ask("name", "GET", "/v1/search", query="q=exchange&limit=3")
    asked.ask("number", "GET", "/v1/search", query=f"q={large['block_number']}&limit=3")
    page = asked.ask("newest", "GET", "/v1/reorgs", query="limit=3", csv=True)
    if not page["items"]:
        raise SystemExit("the demo has had no reorg yet, which takes up to some hours: try again later")
    asked.ask("newest", "GET", "/v1/reorgs/{key}", key=page["items"][0]["id"])


def alerting(asked: Recorder) -> None:
    """What was found, and what is watched."""
    page = asked.ask("open", "GET", "/v1/alerts", query="case=open&pattern=watchlist&limit=3", csv=True)
    key = page["items"][0]["id"]
    asked.ask("acknowledged", "PATCH", "/v1/alerts/{key}", key=key, body={"case_state": "acknowledged", "note": "seen"})
    asked.ask("story", "GET", "/v1/alerts/{key}", key=key)
    asked.ask("spikes", "GET", "/v1/anomalies", query="kind=spike&start=-24h&limit=3", csv=True)
    asked.ask("exposure", "GET", "/v1/reports/exposure", query="start=-24h&limit=3", csv=True)
    asked.ask("versions", "GET", "/v1/watchlist/versions", csv=True)
    asked.ask("watched", "GET", "/v1/watchlist", query=f"chain={CHAIN}&limit=3", csv=True)
    asked.ask("exchanges", "GET", "/v1/labels", query=f"chain={CHAIN}&category=exchange&limit=3", csv=True)
    asked.ask("rules", "GET", "/v1/rules")
    asked.ask("rule", "GET", "/v1/rules/{name}", name="fan-in")


def changes(asked: Recorder) -> None:
    """What can be made, changed and ended."""
    entry = asked.ask("watch", "POST", "/v1/watchlist", body={"address": NOBODY, "name": "Example Mixer"})
    asked.ask("unwatch", "DELETE", "/v1/watchlist/{key}", key=entry["id"])
    naming = {"address": NOBODY, "name": "Example Exchange", "category": "exchange", "country": "JP", "chain": CHAIN}
    label = asked.ask("exchange", "POST", "/v1/labels", body=naming)
    asked.ask("end", "DELETE", "/v1/labels/{key}", key=label["id"])
    rule = {"name": "whales", "definition": RULE, "severity": "high", "state": "test"}
    asked.ask("whales", "POST", "/v1/rules", body=rule)
    asked.ask("turn_on", "PUT", "/v1/rules/{name}", name="whales", body={"state": "on"})
    asked.ask("end", "DELETE", "/v1/rules/{name}", name="whales")
    job = asked.ask("fan_in", "POST", "/v1/rules/backtest", body={"rule": "fan-in", "start": "-12h"})
    while asked.ask("done", "GET", "/v1/jobs/{key}", key=job["id"])["state"] not in ("done", "failed"):
        time.sleep(1)
    statement = "SELECT bucket, kind, tx_count FROM txhub.tx_1h WHERE chain = 'demo-eth' ORDER BY bucket DESC"
    asked.ask("hours", "POST", "/v1/sql", body={"sql": statement, "max_rows": 3})


def texts(asked: Recorder, client: httpx.Client) -> None:
    """What txhub says of itself, and what is no JSON."""
    asked.ask("local", "GET", "/v1/session")
    asked.ask("warnings", "GET", "/v1/events", query="limit=3", csv=True)
    for path in ("/v1/operations", "/health/live", "/health/ready", "/health/stream"):
        asked.ask(path.rpartition("/")[2], "GET", path)
    metrics = client.get("/metrics").raise_for_status()
    media_type = metrics.headers["content-type"].removesuffix("; charset=utf-8")
    asked.read("metrics", "/metrics", media_type, first(metrics.text.splitlines(keepends=True), 9))
    export = f"chain={CHAIN}&min_value=50&start=-24h&format=csv"
    lines = client.get(f"/v1/transactions/export?{export}").raise_for_status().text.splitlines(keepends=True)
    asked.read("large", "/v1/transactions/export", CSV, first(lines, MOST + 1), export)
    with client.stream("GET", f"/v1/stream?chain={CHAIN}", headers={"accept": EVENTS}) as live:
        asked.read(
            "one_chain", "/v1/stream", EVENTS, "\n".join(first_event("block", live.iter_lines())), f"chain={CHAIN}"
        )


def first(lines: list[str], most: int) -> str:
    """The beginning of a text."""
    return "".join(lines[:most])


def first_event(name: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a stream to the end of the first event of a name."""
    there = False
    for line in lines:
        yield line
        there = there or line == f"event: {name}"
        if there and not line:
            return


def main() -> None:
    """Read the command line, and say what was written."""
    parser = argparse.ArgumentParser(description="Record the examples of the OpenAPI document from a running demo.")
    parser.add_argument("url", help="its address, such as http://127.0.0.1:8050")
    for (method, path), recorded in record(parser.parse_args().url.rstrip("/")).items():
        file = FOLDER / examples.file_of(method, path)
        file.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(file)  # noqa: T201 (a command's output)


if __name__ == "__main__":
    main()
