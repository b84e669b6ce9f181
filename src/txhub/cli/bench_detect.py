"""`txhub bench detect`: what rules find of what is planted, how fast they look, and how soon an alert is there."""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from txhub.address import stored_address
from txhub.chain.demo.decoded import decoded_blocks
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern as Truth
from txhub.cli import wiring
from txhub.cli.bench_rows import CHAIN, fill, read_held, register
from txhub.cli.console import err, out
from txhub.cli.demo import WATCHED
from txhub.config import Settings
from txhub.contract.alerts import RuleState, Severity
from txhub.detect.defaults import DEFAULTS, keep_rules
from txhub.detect.facts import Facts
from txhub.detect.rows import SOURCES, rows_of, watched_of
from txhub.detect.rules import define, draft
from txhub.detect.runner import Runner
from txhub.detect.score import Found, Score, score, unexplained
from txhub.detect.trail import Looking, Trail
from txhub.model import Block, Chain
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.rules import DEFAULT, Rule, Wanted, read_rule, set_rule
from txhub.store.sqlfiles import queries

START = datetime(2026, 1, 5, tzinfo=UTC)
_DAY, _PIECE = timedelta(days=1), timedelta(hours=1)
_LIVE_BLOCKS, _TOGETHER = 1200, 4
_LIVE_RULE = {"pattern": "amount", "amount": {"large": "0.1"}, "scope": {"chains": [DEMO_CHAINS[0].name]}}
"""Met by more than a percent of the transactions, so that there are alerts to measure."""
_PAST_RULE = {"pattern": "velocity", "scope": {"chains": [CHAIN]}}
"""New when blocks come: it looks at the days before of the other chain, beside them."""
_SQL = queries("bench")


def detect(
    transactions: Annotated[
        int, typer.Option("--transactions", metavar="N", min=1, help="How many are looked at in the database.")
    ] = 5_000_000,
    days: Annotated[int, typer.Option(min=1, help="Days of the demo network's three chains that are scored.")] = 2,
    rate: Annotated[float, typer.Option(min=1, help="Transactions a second that are committed live.")] = 1000,
) -> None:
    """What default rules find of what is planted, how many they look at a second, and how soon an alert is there.

    The score is of the demo network; rate and false alarms are of traffic in the shape and size of Ethereum's, in
    which nothing is planted and the ten busiest senders and receivers are labelled as an exchange's, as they are
    there; the latency is from a block's row to its alert's.
    """
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    asyncio.run(_score(days))
    with tempfile.TemporaryDirectory(prefix="txhub-bench-") as temporary:
        home = Path(temporary)
        home.chmod(0o711)  # else root's server, another user's process, would keep its data elsewhere
        settings = wiring.settings_of(home=home)
        with wiring.database(settings) as url:
            wiring.run(_measure(url, settings, transactions, rate))


async def _score(days: int) -> None:
    totals: dict[Truth, Score] = {}
    wrong = 0
    for chain in DEMO_CHAINS:
        network = DemoNetwork(chain, clock=(START + days * _DAY).timestamp)
        planted = network.planted(START.timestamp(), (START + days * _DAY).timestamp())
        found = await _find(network, chain, days)
        for truth, each in score(planted, found).items():
            totals[truth] = totals.get(truth, Score(0, 0, 0, 0)) + each
        wrong += len(unexplained(planted, found))
    table = Table(
        "planted", "times", "recall", "alerts", "precision", title=f"{days} days of {len(DEMO_CHAINS)} chains"
    )
    for truth, each in totals.items():
        table.add_row(truth, str(each.planted), f"{each.recall:.3f}", str(each.alerts), f"{each.precision:.3f}")
    out.print(table)
    out.print(f"{wrong / days / len(DEMO_CHAINS):.2f} alerts a day and chain that nothing planted explains")


async def _find(network: DemoNetwork, chain: Chain, days: int) -> list[Found]:
    """What the default rules find, hour by hour."""
    rules = [draft(rule).definition for rule in DEFAULTS.values() if draft(rule).state is not RuleState.OFF]
    looking = [Looking(_rule(), rule) for rule in rules if rule.sources]
    labels = [(stored_address(each.address, {chain.family}), each.name, each.category) for each in network.labels()]
    columns = {"address": pl.Binary, "name": pl.String, "category": pl.String}
    facts = Facts(chain, pl.DataFrame(labels, schema=columns, orient="row"))
    nothing = {name: pl.DataFrame(schema=source.columns) for name, source in SOURCES.items()}
    lists = dict.fromkeys(facts.labelled(sorted(WATCHED))["address"], "demo")
    watched = nothing["watched"]
    trail, found, hour = Trail(looking, START), [], START
    while hour < START + days * _DAY:
        blocks = [block async for block in decoded_blocks(network, chain, hour, hour + _PIECE)]
        rows = rows_of(blocks)
        moves = watched_of(rows, lists, watched)
        watched = pl.concat([watched, moves])
        trail.replace({**nothing, **rows, "watched": moves}, facts, hour, hour + _PIECE)
        for each in looking:
            found += [
                Found(each.definition.pattern, finding) for finding in trail.find(each, facts, hour, hour + _PIECE)
            ]
        hour += _PIECE
        trail.forget(hour)
    return found


async def _measure(url: str, settings: Settings, transactions: int, rate: float) -> None:
    await register(url, settings)
    days = await fill(url, transactions, START)
    async with open_pool(url, name="bench") as pool, Reader(url, size=2, patience=timedelta(minutes=10)) as reader:
        await keep_rules(pool, {})
        await pool.execute(_SQL["label_busiest"])
        held = (await read_held(pool)).rows
        began, cpu_began = time.perf_counter(), time.process_time()
        await Runner(pool, reader, url, past=(days + 1) * _DAY).catch_up()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        alerts = Counter({row["rule"]: row["count"] for row in await pool.fetch(_SQL["alerts"])})
        out.print(
            f"{held:,} transactions of {days} days looked at by {len(DEFAULTS)} default rules in {seconds:,.1f} s: "
            f"{held / seconds:,.0f} tx/s, {held / cpu:,.0f} a second of this process's CPU",
            soft_wrap=True,
        )
        # Transfers that are large are there: they are no false alarms of the rule that looks for them.
        false = sum(count for rule, count in alerts.items() if rule != "large-transfer")
        out.print(f"{false / days:.2f} alerts a day where nothing is planted: {dict(alerts)}", soft_wrap=True)
        await _live(pool, reader, url, rate)


async def _live(pool: Pool, reader: Reader, url: str, rate: float) -> None:
    chain = DEMO_CHAINS[0]
    wanted = Wanted(define(_LIVE_RULE).document(), Severity.LOW, RuleState.ON)
    await set_rule(pool, "bench", wanted, by="bench")
    await set_rule(pool, "bench-past", wanted._replace(definition=define(_PAST_RULE).document()), by="bench")
    ledger = Ledger(pool, chain)
    await ledger.register()
    end = START + timedelta(seconds=chain.block_time_s * _LIVE_BLOCKS)
    network = DemoNetwork(chain, clock=end.timestamp)
    blocks = [block async for block in decoded_blocks(network, chain, START, end)]
    running = asyncio.create_task(Runner(pool, reader, url).run())
    await ledger.commit(blocks[:1])
    await asyncio.sleep(3)
    due = time.perf_counter()
    for at in range(1, len(blocks), _TOGETHER):
        together: list[Block] = blocks[at : at + _TOGETHER]
        await ledger.commit(together)
        due += sum(len(block.transactions) for block in together) / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    reached = sum(len(block.transactions) for block in blocks[1:]) / rate
    late = time.perf_counter() - due
    await asyncio.sleep(3)
    running.cancel()
    await asyncio.wait([running])
    done = (await read_rule(pool, "bench-past")).looked_version is not None
    p50, p95, count = await pool.fetchrow(_SQL["alert_latency"], chain.chain_id)
    out.print(
        f"from commit to alert at {rate:,.0f} tx/s for {reached:,.0f} s: p50 {p50:,.0f} ms, p95 {p95:,.0f} ms, "
        f"{count:,} alerts; the last commit was {max(late, 0):,.1f} s behind; meanwhile a new rule looked at the past, "
        + ("and was done with it before the end" if done else "all the time"),
        soft_wrap=True,
    )


def _rule() -> Rule:
    return Rule(0, "bench", 1, {}, Severity.LOW, RuleState.ON, DEFAULT, START, "bench", 1)
