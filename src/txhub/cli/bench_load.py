"""`txhub bench load`: the questions of many open dashboards at once, put to a server that runs."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Annotated, Any, NamedTuple

import aiohttp
import msgspec
import typer
from rich.table import Table

from txhub.cli import wiring
from txhub.cli.console import out
from txhub.errors import Incomplete, Unavailable

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
SPANS = {"1h": 10, "6h": 20, "24h": 50, "7d": 15, "30d": 5}
"""How far back views reach, and how often of a hundred times."""
_WIDE = {"1h": "1m", "6h": "5m", "24h": "15m", "7d": "1h", "30d": "1d"}
"""The buckets that the dashboard's charts of trends have over these."""
_PATIENCE_S = 60.0


class Question(NamedTuple):
    """A request as the dashboard makes it."""

    name: str
    path: str
    parameters: Mapping[str, Any]
    accept: str = JSON


class Load(msgspec.Struct):
    """What was answered: milliseconds by question, and how often an answer was an error, by what it was."""

    seconds: float
    taken: dict[str, list[float]]
    errors: dict[str, int]

    @property
    def requests(self) -> int:
        """How many were answered."""
        return sum(map(len, self.taken.values()))


def load(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where txhub serves.")] = "http://127.0.0.1:8050",
    connections: Annotated[int, typer.Option(min=1, help="How many ask at once.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="How long, after as much as a fifth of it to warm up.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Every latency, for programs.")] = False,
) -> None:
    """Latencies of the questions that open dashboards ask, each connection asking the next as soon as it is answered.

    The mix is the Overview's, over the spans that people choose, with lists of transactions, the busiest addresses and
    health between.
    """
    found = wiring.run(put(url, connections, seconds))
    if found is None:
        raise KeyboardInterrupt
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode())
        return
    out.print(report(found))
    if found.errors:
        raise Incomplete(f"errors: {found.errors}")


async def put(url: str, connections: int, seconds: float) -> Load:
    """Ask for so long over so many connections.

    Raises:
        Unavailable: nobody answers there.
    """
    session = aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(_PATIENCE_S),
        headers={"Accept-Encoding": "identity"},
    )
    async with session:
        try:
            async with session.get("/v1/chains") as answer:
                chains = msgspec.json.decode(await answer.read())["items"]
        except aiohttp.ClientError as error:
            raise Unavailable(f"{url} does not answer: {error}", hint="is `txhub serve` running there?") from error
        asked = Asked(session, chains)
        began = time.perf_counter()
        asked.counts_from, until = began + seconds / 5, began + seconds * 6 / 5
        await asyncio.gather(*(asked.on_a_connection(number, until) for number in range(connections)))
        return Load(time.perf_counter() - asked.counts_from, dict(asked.taken), dict(asked.errors))


class Asked:
    """What is asked of a server, and how it answers."""

    def __init__(self, session: aiohttp.ClientSession, chains: Iterable[Mapping[str, Any]]) -> None:
        self._session = session
        self._views = {span: list(view(span, chains)) for span in SPANS}
        self.counts_from = 0.0
        self.taken: defaultdict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()

    async def on_a_connection(self, seed: int, until: float) -> None:
        """Ask question after question of one view after another: the same ones for the same seed."""
        chance = random.Random(seed)  # noqa: S311 (nothing secret)
        spans, weights = list(SPANS), list(accumulate(SPANS.values()))
        while (now := time.perf_counter()) < until:
            [span] = chance.choices(spans, cum_weights=weights)
            outcome = await self._answer(chance.choice(self._views[span]))
            if now >= self.counts_from and outcome is not None:
                self.errors[outcome] += 1

    async def _answer(self, question: Question) -> str | None:
        """Ask, and note how long it took; what is wrong with the answer, if something is."""
        headers = {"Accept": question.accept}
        began = time.perf_counter()
        try:
            async with self._session.get(question.path, params=question.parameters, headers=headers) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
        if began >= self.counts_from:
            self.taken[question.name].append((time.perf_counter() - began) * 1000)
        return None if answer.status == 200 and body else f"{question.name}: {answer.status}"


def view(span: str, chains: Iterable[Mapping[str, Any]]) -> Iterable[Question]:
    """What a page asks when it is opened, and whenever blocks came: the Overview's questions, and some of others."""
    since = {"start": f"-{span}"}
    wide = {**since, "bucket": _WIDE[span]}
    yield Question("chains", "/v1/chains", {})
    yield Question(f"rate, {span}", "/v1/series/tx_rate", {**since, "by": "chain"})
    yield Question(f"average value, {span}", "/v1/series/avg_value", {**wide, "by": "chain"}, ARROW)
    yield Question(f"volume by kind, {span}", "/v1/series/volume", {**wide, "by": "chain,kind"}, ARROW)
    for chain in chains:
        own = {**since, "chain": chain["name"]}
        large = {"min_value": chain["large_value"], "limit": 12}
        yield Question(f"peaks, {span}", "/v1/peaks", {**own, "limit": 3}, ARROW)
        yield Question(f"large transactions, {span}", "/v1/transactions", {**own, **large})
    yield Question(f"transactions, {span}", "/v1/transactions", {**since, "limit": 100})
    yield Question(f"top senders, {span}", "/v1/top/senders", {**since, "limit": 20})
    yield Question("health", "/health/stream", {})


def report(found: Load) -> Table:
    """Requests a second, and the latency of each question and of all."""
    rate = found.requests / found.seconds
    errors = sum(found.errors.values())
    title = f"{found.requests:,} requests in {found.seconds:.0f} s: {rate:,.0f} a second, {errors} errors"
    table = Table("ms", "p50", "p95", "p99", "requests", title=title)
    everything = [each for taken in found.taken.values() for each in taken]
    for name, taken in [*sorted(found.taken.items()), ("all", everything)]:
        table.add_row(name, *(f"{each:,.1f}" for each in percentiles(taken)), f"{len(taken):,}")
    return table


def percentiles(taken: list[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th, of two values or more; of one, that one."""
    if len(taken) < 2:
        return (taken[0],) * 3
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49], cuts[94], cuts[98]
