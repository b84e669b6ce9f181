"""`txhub anomaly …`: models that find what is unlike the rest, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import polars as pl
import typer

from txhub.address import stored_address
from txhub.chain.demo.decoded import decoded_blocks
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.detect import trial
from txhub.detect.anomalies import oddest, read_features, read_model, train_edge, without_services
from txhub.detect.edge import LEARNED, EdgeHour, learn
from txhub.detect.facts import Facts
from txhub.detect.features import MEMORY, Subject, as_they_come, features, rows_of
from txhub.detect.forest import Forest, grow
from txhub.detect.knowledge import read_chains
from txhub.detect.online import WINDOW, Online
from txhub.errors import UsageError
from txhub.model import Chain
from txhub.query.timerange import parse_range
from txhub.store.models import Odd, keep_found, keep_model, read_found
from txhub.store.pool import open_pool
from txhub.store.read import Reader

app = typer.Typer(help="Models of what is usual, and what is not.", no_args_is_help=True, add_completion=False)

_HOUR = timedelta(hours=1)
_PATIENCE = timedelta(minutes=10)
_TRIAL = datetime(2026, 3, 2, tzinfo=UTC)
ChainName = Annotated[str, typer.Option("--chain", metavar="NAME", help="The chain.", show_default=False)]
By = Annotated[Subject, typer.Option("--by", help="Look at what addresses did by the hour, or at single transactions.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the chance by which trees are grown.")]
Start = Annotated[str, typer.Option(metavar="TIME", help="ISO 8601, or before now such as -7d.")]
End = Annotated[
    str | None, typer.Option(metavar="TIME", help="The moment after the last. Default: now", show_default=False)
]


@app.command()
def train(
    chain: ChainName,
    by: By = Subject.ADDRESS,
    start: Start = "-7d",
    end: End = None,
    seed: Seed = 1,
    edge: Annotated[
        bool, typer.Option("--edge", help="A model that judges transactions as they come, and learns as it goes.")
    ] = False,
    home: wiring.HomeOption = None,
) -> None:
    """Learn what is usual, and keep it as a new version; the same rows and seed make the same model."""
    since, until = _hours(start, end)

    async def work(url: str) -> None:
        async with open_pool(url, name="anomaly", size=1) as pool, Reader(url, 1, _PATIENCE) as reader:
            known = await _chain(reader, chain)
            if edge:
                version, learned = await train_edge(pool, reader, known, since, until, seed)
                out.print(
                    f"{chain}: model {version} of the edge, learned from {learned:,} rows; the worker takes it up"
                )
                return
            rows = await read_features(reader, known, by, since, until)
            forest = await asyncio.to_thread(grow, by, rows, seed)
            _, version = await keep_model(
                pool,
                known.chain_id,
                by,
                forest.digest,
                (since, until),
                rows=forest.rows,
                seed=seed,
                quantiles=forest.quantiles,
                parameters=forest.parameters,
                splits=forest.blob(),
            )
        out.print(f"{chain}: model {version} by {by}, learned from {forest.rows:,} rows")

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(work(url))


@app.command()
def score(
    chain: ChainName,
    by: By = Subject.ADDRESS,
    start: Start = "-24h",
    end: End = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many of the least usual are shown and kept.")] = 20,
    home: wiring.HomeOption = None,
) -> None:
    """Show and keep what the newest model finds least like the rest. It needs no extra."""
    since, until = _hours(start, end)

    async def work(url: str) -> tuple[Chain, Sequence[Odd]]:
        async with open_pool(url, name="anomaly", size=1) as pool, Reader(url, 1, _PATIENCE) as reader:
            known = await _chain(reader, chain)
            stored, forest = await read_model(pool, known, by)
            rows = await read_features(reader, known, by, since, until)
            found = await asyncio.to_thread(oddest, forest, rows, top)
            await keep_found(pool, stored.id, since, until, found)
            return known, found

    with wiring.database(wiring.settings_of(home=home)) as url:
        if (done := wiring.run(work(url))) is not None:
            known, found = done
            table = plain_table("score", "time", str(by), "why")
            for each in found:
                subject = _written(known, by, each.subject)
                table.add_row(f"{each.score:.3f}", f"{each.started_at:%Y-%m-%d %H:%M}", subject, _why(each))
            out.print(table)


@app.command()
def explain(
    subject: Annotated[str, typer.Argument(metavar="ADDRESS|HASH", help="What `score` found.")],
    chain: ChainName,
    home: wiring.HomeOption = None,
) -> None:
    """Say when and why an address or a transaction was found unlike the rest."""

    async def work(url: str) -> None:
        async with open_pool(url, name="anomaly", size=1) as pool, Reader(url, 1) as reader:
            known = await _chain(reader, chain)
            found = await read_found(pool, known.chain_id, _stored(known, subject))
        if not found:
            out.print(f"{subject} was not found by a model", soft_wrap=True)
        for version, each in found:
            out.print(f"{each.started_at:%Y-%m-%d %H:%M} score {each.score:.3f} by model {version}")
            for reason in each.reasons:
                share, far = (
                    f"{reason['weight']:+.3f} of the score",
                    f"{reason['distance']:g} times as far off as the quartile",
                )
                out.print(f"  {reason['words']} ({share}, {far})", soft_wrap=True)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(work(url))


@app.command()
def evaluate(
    hours: Annotated[int, typer.Option(min=1, max=96, help="Hours that are judged, after 24 to learn from.")] = 12,
    by: By = Subject.ADDRESS,
    seed: Seed = 1,
    online: Annotated[
        bool, typer.Option("--online", help="Score by half-space trees, which learn as they go.")
    ] = False,
) -> None:
    """Measure precision and recall on the demo network's planted truth; it needs no database."""
    chain = DEMO_CHAINS[0]
    since, until = _TRIAL + MEMORY, _TRIAL + MEMORY + hours * _HOUR
    network = DemoNetwork(chain, clock=until.timestamp)
    labels = [(stored_address(label.address, {chain.family}), label.name, label.category) for label in network.labels()]
    columns = {"address": pl.Binary, "name": pl.String, "category": pl.String}
    facts = Facts(chain, pl.DataFrame(labels, schema=columns, orient="row"))

    async def made() -> pl.DataFrame:
        return rows_of(chain, [block async for block in decoded_blocks(network, chain, _TRIAL, until)])

    rows = asyncio.run(made())
    figures = without_services(by, features(by, rows, _TRIAL), facts)
    learned, judged = figures.filter(pl.col("time") < since), figures.filter(pl.col("time") >= since)
    if online and by is Subject.TRANSACTION:
        judged, scores = _edge(rows, since, until, seed)
    else:
        forest = grow(by, learned, seed)
        scores = _online(forest, learned, judged) if online else forest.scores(judged).tolist()
    known = trial.truth(by, chain, network.planted(since.timestamp(), until.timestamp()))
    scored = trial.parties(by, judged.with_columns(score=pl.Series(scores, dtype=pl.Float64)), rows)
    err.print(f"{chain.name}, {judged.height:,} rows by {by}, {known['thing'].n_unique()} things planted, seed {seed}")
    table = plain_table("k", "precision", "recall")
    for at in trial.precision_and_recall(scored, known, (20, 50, 100, 200, 500)):
        table.add_row(str(at.k), f"{at.precision:.2f}", f"{at.recall:.2f}")
    out.print(table)


def _online(forest: Forest, learned: pl.DataFrame, judged: pl.DataFrame) -> Sequence[float]:
    model = Online(forest.subject, forest.quantiles, forest.seed)
    model.scores(learned.tail(2 * WINDOW))
    return model.scores(judged).tolist()


def _edge(rows: pl.DataFrame, since: datetime, until: datetime, seed: int) -> tuple[pl.DataFrame, Sequence[float]]:
    """As the worker judges while blocks come: hour by hour, by what the day before tells."""
    model = learn(as_they_come(rows.filter(pl.col("time") < since), since - MEMORY + _HOUR), seed)
    scores: list[float] = []
    start = since
    while start < until:
        before = rows.filter(pl.col("time").is_between(start - LEARNED, start, closed="left"))
        hour = EdgeHour(model, start, before, 1)
        scores += hour.take(rows.filter(pl.col("time").is_between(start, hour.end, closed="left")), hour.end).tolist()
        start = hour.end
    return as_they_come(rows, since), scores


def _hours(start: str, end: str | None) -> tuple[datetime, datetime]:
    """Whole hours of a range: what is half known would be unlike the rest by that alone."""
    asked = parse_range(start, end, datetime.now(UTC))
    since, until = (moment.replace(minute=0, second=0, microsecond=0) for moment in asked)
    if since >= until:
        raise UsageError("there is no whole hour between start and end", hint="give a longer range")
    return since, until


async def _chain(reader: Reader, name: str) -> Chain:
    known = {chain.name: chain for chain in (await read_chains(reader)).values()}
    if name not in known:
        raise UsageError(
            f"chain is {name!r}, which is not known here", hint=f"it is one of {', '.join(known) or 'none'}"
        )
    return known[name]


def _stored(chain: Chain, subject: str) -> bytes:
    digits = subject.removeprefix("0x")
    if len(digits) == 64 and not set(digits.lower()) - set("0123456789abcdef"):
        return bytes.fromhex(digits)
    stored = stored_address(subject, {chain.family})
    if stored is None:
        raise UsageError(f"{subject!r} is no address of {chain.name} and no hash", hint="give one as `score` shows it")
    return stored


def _written(chain: Chain, by: Subject, subject: bytes) -> str:
    facts = Facts(chain)
    return facts.written(subject) if by is Subject.ADDRESS else facts.written_hash(subject)


def _why(found: Odd) -> str:
    return "; ".join(str(reason["words"]).partition(";")[0] for reason in found.reasons)
