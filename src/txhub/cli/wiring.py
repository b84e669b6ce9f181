"""What every command needs: its options, its settings, the database and a loop that ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import typer
import uvloop

from txhub.chain import registry
from txhub.chain.demo.network import DEMO_CHAINS
from txhub.config import Settings, load_settings
from txhub.errors import TxhubError, UsageError, first_failure
from txhub.model import Chain

Result = TypeVar("Result")

_STOPS_WITHIN_S, _AGAIN_S = 8.0, 0.5
"""Seconds that work has to end when it is told to, before it is told again, and then between one time and the next."""
_DEMO = {chain.name: chain for chain in DEMO_CHAINS}

ChainOption = Annotated[
    list[str],
    typer.Option("--chain", metavar="NAME", help="A chain: a built-in name or one of txhub.toml; repeatable."),
]
RpcOption = Annotated[
    list[str],
    typer.Option(
        "--rpc", metavar="URL", help="A node (ws, wss, http, https); NAME=URL with several chains; repeatable."
    ),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the embedded database lives. Default: .txhub", show_default=False),
]
HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Listen on this address. Default: 127.0.0.1", show_default=False)
]
PortOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="Listen on this port. Default: 8050", show_default=False)
]
AttachedOption = Annotated[bool, typer.Option("--attached", hidden=True, help="Stop when standard input ends.")]


def settings_of(**command_line: Any) -> Settings:
    """All settings, those of the command line first.

    Raises:
        SettingError: one of them is not allowed.
    """
    return load_settings(**command_line)


def chains_of(names: Sequence[str], rpcs: Sequence[str], settings: Settings) -> list[Chain]:
    """The chains that a command was asked for, each with its endpoints.

    Without names, all chains that `[chains]` of the settings gives nodes for.

    Raises:
        UsageError: a chain is unknown, has no endpoint, or an endpoint belongs to none of them.
    """
    names = list(names) or [name for name, chain in settings.chains.items() if chain.rpc]
    if not names:
        raise UsageError("no chain is named", hint="add --chain NAME, for example --chain ethereum, or fill txhub.toml")
    endpoints: dict[str, list[str]] = {name: [] for name in names}
    for rpc in rpcs:
        name, separator, url = rpc.partition("=")
        if not separator or "://" in name:
            name, url = names[0], rpc
            if len(names) > 1:
                raise UsageError("with several chains, --rpc needs to say whose node it is", hint="--rpc NAME=URL")
        if name not in endpoints:
            raise UsageError(f"--rpc names chain {name!r}, which is not followed", hint=f"add --chain {name}")
        endpoints[name].append(url)
    return [
        replace(_DEMO[name], endpoints=tuple(endpoints[name]))
        if name in _DEMO and endpoints[name]
        else registry.resolve(name, settings, endpoints[name])
        for name in names
    ]


@contextmanager
def database(settings: Settings, *, stays: bool = False) -> Iterator[str]:
    """The URL of a database that this release can work with, whose server runs at least until the block ends.

    The embedded one is started and migrated here; afterwards it is stopped by the last process that used it, unless
    it `stays`. One that was given by URL has to be migrated already.
    """
    # Imported here: the node of the demo network needs no database.
    from txhub.store.migrate import migrate, require_current
    from txhub.store.server import open_server

    with open_server(settings, stop_if_last=not stays) as server:
        if server.private:
            migrate(server.url)
        else:
            require_current(server.url)
        yield server.url


@contextmanager
def readers_database(settings: Settings) -> Iterator[str]:
    """The URL of the database that questions go to: the replica of the settings, or else `database`.

    Raises:
        SchemaMismatch: the replica has another release's schema.
    """
    if settings.read_database_url is None:
        with database(settings) as url:
            yield url
        return
    from txhub.store.migrate import require_current

    url = settings.read_database_url.get_secret_value()
    require_current(url)
    yield url


def run(work: Coroutine[Any, Any, Result], *, attached: bool = False) -> Result | None:
    """Run a service until it ends, is interrupted (Ctrl-C), is told to stop (SIGTERM) or, attached, loses its parent.

    Returns None when it was stopped.
    """

    async def until_stopped() -> Result | None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        stop = partial(_stop, loop, task, asyncio.current_task())
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, stop)
        if attached:
            loop.add_reader(sys.stdin.fileno(), _on_input, loop, stop)
        try:
            return await task
        except asyncio.CancelledError:
            return None
        except ExceptionGroup as group:
            failure = first_failure(group)
            raise failure from (None if isinstance(failure, TxhubError) else group)

    gc.freeze()  # what was imported stays
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(until_stopped())


def libpq_environment(url: str) -> dict[str, str]:
    """This process's environment with a database's URL in libpq's variables, so that no password is in an argument."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return os.environ | {
        "PGHOST": query.get("host") or parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }


def _stop(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], waiting: asyncio.Task[Any] | None) -> None:
    """Cancel the work; what still goes on after `_STOPS_WITHIN_S` is told again and again.

    Work that gives a lost connection back while it is cancelled ends with that failure instead, and is tried again by
    those who know only of the failure.
    """

    def insist() -> None:
        if not task.done():
            for each in asyncio.all_tasks(loop) - {waiting}:
                each.cancel()
            loop.call_later(_AGAIN_S, insist)

    task.cancel()
    loop.call_later(_STOPS_WITHIN_S, insist)


def _on_input(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        stop()
