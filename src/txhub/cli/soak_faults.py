"""What `txhub bench soak` does to the stack: each fault, how it is ended, and what has to tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from txhub.cli.soak_stage import Stage, has_small_disk, own_clock
from txhub.eventlog import FindingName

Act = Callable[[Stage], Awaitable[None]]


class Fault(NamedTuple):
    """A fault. `told` are the events of which at least one has to be written; none where it may go unfelt.

    `alerted` are the findings of which at least one has to be raised as an alert; like any other each may be only once.
    """

    name: str
    begin: Act
    end: Act
    told: frozenset[str] = frozenset()
    alerted: frozenset[FindingName] = frozenset()
    lasts_s: float = 6.0


async def _nothing(_: Stage) -> None:
    """It ends by itself."""


def _killed(name: str) -> Act:
    async def kill(stage: Stage) -> None:
        await asyncio.to_thread(stage.kill, name)

    return kill


def _started(name: str) -> Act:
    async def start(stage: Stage) -> None:
        stage.start(name)

    return start


async def _cut_node(stage: Stage) -> None:
    stage.node.cut()


async def _reset_node(stage: Stage) -> None:
    stage.node.reset()


async def _half_open_node(stage: Stage) -> None:
    stage.node.half_open()


async def _hold_node(stage: Stage) -> None:
    stage.node.hold()


async def _slow_node(stage: Stage) -> None:
    stage.node.delay(0.2)


async def _mend_node(stage: Stage) -> None:
    stage.node.delay(0)
    stage.node.release()


async def _cut_database(stage: Stage) -> None:
    stage.database.cut()


async def _reset_database(stage: Stage) -> None:
    stage.database.reset()


async def _half_open_database(stage: Stage) -> None:
    stage.database.half_open()


async def _hold_database(stage: Stage) -> None:
    stage.database.hold()


async def _slow_database(stage: Stage) -> None:
    stage.database.delay(0.02)


async def _mend_database(stage: Stage) -> None:
    stage.database.delay(0)
    stage.database.release()


async def _restart(stage: Stage) -> None:
    await stage.restart_database("fast")


async def _crash(stage: Stage) -> None:
    await stage.restart_database("immediate")


def _clock(ahead_s: float) -> Act:
    async def step(stage: Stage) -> None:
        stage.step_clock(ahead_s)

    return step


async def _fill(stage: Stage) -> None:
    await asyncio.to_thread(stage.fill_disk)


async def _free(stage: Stage) -> None:
    stage.free_disk()
    await stage.bring_up_database()


_NODE = frozenset({"follow_interrupted", "listener_died", "node_stuck", "endpoint_changed", "chain_quiet"})
_DATABASE = frozenset({"connection_lost", "follow_interrupted", "database_away"})
_RESTARTED, _CRASHED = frozenset({"database_restarted"}), frozenset({"service_started"})
_FULL = frozenset({"follow_interrupted", "database_restarted", "disk_filling"})
_INTERRUPTED: frozenset[FindingName] = frozenset({"interrupted"})
_STARTED_AGAIN: frozenset[FindingName] = frozenset({"restarted"})
_CLOCK_OFF: frozenset[FindingName] = frozenset({"clock_off"})

FAULTS: tuple[Fault, ...] = (
    Fault("the node is killed", _killed("node"), _started("node"), _NODE, _INTERRUPTED),
    Fault("connections to the node are closed", _cut_node, _nothing, _NODE, _INTERRUPTED, 0),
    Fault("connections to the node are reset", _reset_node, _nothing, _NODE, _INTERRUPTED, 0),
    Fault("connections to the node are half open", _half_open_node, _mend_node, _NODE, _INTERRUPTED, 20),
    Fault("nothing passes to and from the node", _hold_node, _mend_node, _NODE, _INTERRUPTED, 45),
    Fault("the node is 0.2 s away", _slow_node, _mend_node),
    Fault("connections to the database are closed", _cut_database, _nothing, _DATABASE, _INTERRUPTED, 0),
    Fault("connections to the database are reset", _reset_database, _nothing, _DATABASE, _INTERRUPTED, 0),
    Fault("connections to the database are half open", _half_open_database, _nothing, _DATABASE, _INTERRUPTED, 20),
    Fault("nothing passes to and from the database", _hold_database, _mend_database),
    Fault("the database is 20 ms away", _slow_database, _mend_database),
    Fault("the database is restarted", _restart, _nothing, _RESTARTED, _STARTED_AGAIN, 0),
    Fault("the database crashes", _crash, _nothing, _RESTARTED, _STARTED_AGAIN, 0),
    Fault("the ingester is killed", _killed("ingest"), _started("ingest"), _CRASHED, _STARTED_AGAIN, 1),
    Fault("the worker is killed", _killed("worker"), _started("worker"), _CRASHED, _STARTED_AGAIN, 1),
    Fault("the API is killed", _killed("serve"), _started("serve"), _CRASHED, _STARTED_AGAIN, 1),
)
DISK_FULL = Fault(
    "the disk is full", _fill, _free, _FULL, _INTERRUPTED | _STARTED_AGAIN | frozenset({"disk_filling"}), 12
)

CLOCK_STEPS = tuple(
    Fault(f"the clock steps a minute {way}", _clock(seconds), _clock(0), _CLOCK_OFF, _CLOCK_OFF, 25)
    for way, seconds in (("ahead", 60.0), ("back", -60.0))
)
"""Of the machine of the services: that of node and database goes on. Longer than the worker needs for two looks."""


def possible(stage: Stage) -> list[Fault]:
    """The faults that can be played here: only a disk and a clock of the stage's own are touched."""
    own_disk = (DISK_FULL,) if has_small_disk(stage) else ()
    return [*FAULTS, *own_disk, *(CLOCK_STEPS if own_clock() else ())]


def left_out(stage: Stage) -> list[str]:
    """Which faults cannot be played here, and what that would need."""
    disk = (
        [] if has_small_disk(stage) else [f"{DISK_FULL.name}: only root can give the database a small disk of its own"]
    )
    clock = [] if own_clock() else [f"{step.name}: needs Debian's package libfaketime" for step in CLOCK_STEPS]
    return disk + clock
