"""`txhub bench soak`: everything at once, under load, while faults strike; nothing may be lost, doubled or unsaid."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from txhub.chain.demo.network import DemoNetwork
from txhub.cli import wiring
from txhub.cli.console import err, out
from txhub.cli.soak_faults import Fault, left_out, possible
from txhub.cli.soak_stage import SERVICES, Stage, Weight, open_stage, soak_home
from txhub.errors import TxhubError
from txhub.model import Chain
from txhub.store.edition import edition_of
from txhub.store.pool import Pool, open_pool

NORMAL_WITHIN_S = 30.0
"""So soon after a fault has ended everything has to be normal again."""
TOLD_WITHIN_S = 60.0
"""And so soon it has to be in the event log, and alerted of."""
PATIENCE_S = 180.0
GROWTH = 0.15
"""How much a service's memory may grow from the second third of its time to the last."""
_BETWEEN_S = (3.0, 8.0)
_SETTLED_BLOCKS = 12
"""So far below the head planted reorgs are over."""
_LIVED_S = 90.0


class Struck(NamedTuple):
    """A fault that was played: seconds until all was normal (None: never), which of its events were written, and how
    often txhub alerted of what until the next one; `silent` says which events or alerts did not come, of which one had
    to. `before` is the newest alert before it."""

    fault: str
    normal_after_s: float | None
    told: list[str]
    alerts: dict[str, int]
    silent: list[str]
    before: int


@dataclass
class Report:
    """What a soak found."""

    edition: str = ""
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    blocks: int = 0
    transactions: int = 0
    wrong: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of each service: megabytes in the middle third of its longest life, and in the last."""

    @property
    def faults(self) -> Iterator[str]:
        """What did not hold, in words."""
        yield from self.wrong
        for each in self.struck:
            if each.normal_after_s is None or each.normal_after_s > NORMAL_WITHIN_S:
                after = "never" if each.normal_after_s is None else f"{each.normal_after_s:.0f} s after"
                yield f"normal again {after}: {each.fault}"
            yield from (f"not told by {what}: {each.fault}" for what in each.silent)
            yield from (f"alerted {n} times of {what}: {each.fault}" for what, n in each.alerts.items() if n > 1)
        for name, (middle, last) in self.memory.items():
            if last > middle * (1 + GROWTH):
                yield f"{name} grew from {middle:.0f} to {last:.0f} MB"


def soak(
    minutes: Annotated[float, typer.Option(min=1, help="How long faults strike.")] = 20,
    rate: Annotated[float, typer.Option(min=1, help="Transactions a second of all chains together.")] = 1000,
    chains: Annotated[int, typer.Option(min=1, max=20, help="How many chains.")] = 8,
    seed: Annotated[int, typer.Option(help="Which faults, in which order.")] = 8,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as Markdown.", show_default=False)
    ] = None,
) -> None:
    """The whole stack on simulated chains, while node, network, database, disk and processes fail at random.

    Afterwards every block and transaction is compared with the network's. Exit code 1 if anything did not hold.
    """
    err.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    chance = random.Random(seed)  # noqa: S311 (which faults, in which order)
    with soak_home() as home, tempfile.TemporaryDirectory(prefix="txhub-soak-logs-") as logs:
        done = wiring.run(run_soak(home, Path(logs), minutes * 60, rate, chains, chance))
    if done is None:
        raise KeyboardInterrupt
    text = rendered(done, chains, rate)
    out.print(text, soft_wrap=True, markup=False)
    if report:
        report.write_text(text, encoding="utf-8")
    if list(done.faults):
        raise typer.Exit(1)


async def run_soak(home: Path, logs: Path, seconds: float, rate: float, chains: int, chance: random.Random) -> Report:
    """Play faults for so long, then wait until all is normal, and compare everything with the network."""
    loop, report = asyncio.get_running_loop(), Report()
    async with open_stage(home, chains, rate, logs) as stage:
        if await _normal_after(stage, PATIENCE_S) is None:
            raise TxhubError(f"the stack did not start: {await stage.wrong()}", hint=_last_words(logs))
        weighing = asyncio.create_task(stage.weigh())
        began, faults, report.left_out = loop.time(), possible(stage), left_out(stage)
        waiting: list[Fault] = []
        while loop.time() < began + seconds:
            if not waiting:  # each once, then each again, always in another order
                waiting = chance.sample(faults, len(faults))
            await asyncio.sleep(chance.uniform(*_BETWEEN_S))
            fault = await _next_fault(stage, waiting)
            waiting.remove(fault)
            if report.struck:
                await _count_alerts(stage, report.struck[-1])
            report.struck.append(await _strike(stage, fault))
            err.print(_line(report.struck[-1]), soft_wrap=True)
        report.seconds = loop.time() - began
        async with open_pool(stage.direct, name="soak", size=2) as pool:
            report.edition = (await edition_of(pool)).value
            for chain in stage.chains:
                await _compare(stage, pool, chain, stage.networks[chain.name], report)
            found = await stage.ask(pool, "inconsistent")
            report.wrong += [f"the worker found {row['name']}: {row['says']}" for row in found]
        await _count_alerts(stage, report.struck[-1])
        report.wrong += [f"{name} ended by itself" for name in stage.ended]
        weighing.cancel()
        with suppress(asyncio.CancelledError):
            await weighing
        report.memory = {name: _growth(stage.resident[name]) for name in SERVICES}
    return report


async def _next_fault(stage: Stage, waiting: Sequence[Fault]) -> Fault:
    """The next one of which no alert goes on: it would hide that this fault is alerted of. Waits for one a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while True:
        open_alerts = await _open_alerts(stage)
        free = [fault for fault in waiting if not fault.alerted & open_alerts]
        if free or loop.time() > deadline:
            return (free or waiting)[0]
        await asyncio.sleep(1)


async def _open_alerts(stage: Stage) -> frozenset[str]:
    async with open_pool(stage.direct, name="soak", size=1) as pool:
        return frozenset(name for (name,) in await stage.ask(pool, "open"))


async def _strike(stage: Stage, fault: Fault) -> Struck:
    async with open_pool(stage.direct, name="soak", size=1) as pool:
        [(event, alert)] = await stage.ask(pool, "newest")
    expected = fault.alerted - await _open_alerts(stage)
    await fault.begin(stage)
    await asyncio.sleep(fault.lasts_s)
    await fault.end(stage)
    normal = await _normal_after(stage, PATIENCE_S)
    told = await _since(stage, "events", event, fault.told)
    alerted = await _since(stage, "raised", alert, expected)
    silent = [" or ".join(sorted(fault.told))] if fault.told and not told else []
    silent += [f"an alert of {' or '.join(sorted(expected))}"] if expected and not alerted else []
    struck = Struck(fault.name, normal, told, {}, silent, alert)
    await _count_alerts(stage, struck)
    return struck


async def _count_alerts(stage: Stage, struck: Struck) -> None:
    """Note how often txhub alerted of what since the fault."""
    async with open_pool(stage.direct, name="soak", size=1) as pool:
        struck.alerts.update({row["subject"]: row["times"] for row in await stage.ask(pool, "raised", struck.before)})


async def _normal_after(stage: Stage, patience_s: float) -> float | None:
    """Seconds until everything is normal; None: it was not within patience."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + patience_s:
        if await stage.wrong() is None:
            return loop.time() - began
        await asyncio.sleep(0.5)
    return None


async def _since(stage: Stage, what: str, after: int, wanted: Collection[str]) -> list[str]:
    """Which of the wanted events were written, or alerts raised, after that one; waits a while for the first."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TOLD_WITHIN_S
    while True:
        async with open_pool(stage.direct, name="soak", size=1) as pool:
            found = sorted({row[0] for row in await stage.ask(pool, what, after)}.intersection(wanted))
        if found or not wanted or loop.time() > deadline:
            return found
        await asyncio.sleep(1)


async def _compare(stage: Stage, pool: Pool, chain: Chain, network: DemoNetwork, report: Report) -> None:
    """Compare what is committed of a chain with what its network has: each block, and each transaction once."""
    last = await network.head_number() - _SETTLED_BLOCKS
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while loop.time() < deadline:
        rows = await stage.ask(pool, "blocks", chain.chain_id, last)
        numbers = [row["number"] for row in rows]
        whole = bool(rows) and numbers == list(range(min(numbers[0], rows[0]["follow_from"]), last + 1))
        [(unread,)] = await stage.ask(pool, "unread")
        if whole and not unread:
            break
        await asyncio.sleep(1)
    else:
        report.wrong.append(
            f"{chain.name}: blocks are missing, or rollups are not up to date, after {PATIENCE_S:.0f} s"
        )
    for row in rows:
        expected = (await network.block_hash(row["number"]) or "").removeprefix("0x")
        if row["hash"].hex() != expected or row["tx_count"] != network.count(row["number"]):
            report.wrong.append(f"{chain.name}: block {row['number']} is not the network's")
    transactions = sum(row["tx_count"] for row in rows)
    [counted] = await stage.ask(pool, "counted", chain.chain_id, last)
    if (counted["rows"], counted["different"]) != (transactions, transactions):
        found = f"{counted['rows']:,} rows, {counted['different']:,} different"
        report.wrong.append(f"{chain.name}: {found}, and the network has {transactions:,}")
    if counted["before"] != counted["rolled_up"]:
        report.wrong.append(f"{chain.name}: {counted['before']:,} rows, and the rollup has {counted['rolled_up']:,}")
    if doubled := counted["doubled_transfers"] + counted["doubled_coins"]:
        report.wrong.append(f"{chain.name}: {doubled:,} moves of tokens or coins are there twice")
    report.blocks += len(rows)
    report.transactions += transactions


def _growth(weights: Sequence[Weight]) -> tuple[float, float]:
    """Megabytes in the middle third of the longest life of a process, and in the last."""
    lives: dict[int, list[Weight]] = {}
    for weight in weights:
        lives.setdefault(weight.pid, []).append(weight)
    longest = max(lives.values(), key=lambda life: life[-1].at - life[0].at)
    warm = [weight.size for weight in longest if weight.at - longest[0].at > _LIVED_S] or [longest[-1].size]
    third = max(len(warm) // 3, 1)
    return statistics.median(warm[third : 2 * third] or warm) / 1e6, statistics.median(warm[-third:]) / 1e6


def rendered(report: Report, chains: int, rate: float) -> str:
    """The report as Markdown, with its date and machine."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {report.edition}"
    load = f"{chains} chains, {rate:,.0f} transactions a second asked for, {report.seconds / 60:.0f} minutes"
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}: {load}, {len(report.struck)} faults.",
        "",
        f"{report.blocks:,} blocks and {report.transactions:,} transactions compared with the network: "
        + ("each is there once." if not report.wrong else "; ".join(report.wrong)),
        "",
        "| fault | times | normal again after, s (median, most) | told by | alerts |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in sorted({each.fault for each in report.struck}):
        struck = [each for each in report.struck if each.fault == name]
        after = [each.normal_after_s if each.normal_after_s is not None else PATIENCE_S for each in struck]
        told = sorted({event for each in struck for event in each.told})
        unsaid = "nothing" if any(each.silent for each in struck) else "nothing: it may go unfelt"
        events = ", ".join(f"`{event}`" for event in told) or unsaid
        alerts = ", ".join(sorted({what for each in struck for what in each.alerts})) or "none"
        times = f"{statistics.median(after):.0f}, {max(after):.0f}"
        lines.append(f"| {name} | {len(struck)} | {times} | {events} | {alerts} |")
    memory = (f"{name} {middle:.0f} and {last:.0f} MB" for name, (middle, last) in report.memory.items())
    lines += ["", f"Resident memory in the middle and in the end: {', '.join(memory)}.", ""]
    lines += [f"- not played: {fault}" for fault in report.left_out]
    lines += [f"- **{fault}**" for fault in report.faults] or ["Everything held."]
    return "\n".join(lines) + "\n"


def _line(struck: Struck) -> str:
    after = "never" if struck.normal_after_s is None else f"after {struck.normal_after_s:.0f} s"
    alerts = "".join(f"; alerted of {what}" for what in struck.alerts)
    return f"{struck.fault}: normal {after}; told by {', '.join(struck.told) or 'nothing'}{alerts}"


def _last_words(logs: Path) -> str:
    said = {log.stem: log.read_text(errors="replace").splitlines()[-1:] for log in sorted(logs.glob("*.log"))}
    return "; ".join(f"{name}: {lines[0][:200]}" for name, lines in said.items() if lines)
