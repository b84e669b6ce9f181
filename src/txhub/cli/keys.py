"""`txhub keys …`: who may ask the API from elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.store.keys import REQUESTS_PER_MINUTE, Role, create_key, read_keys, revoke_key
from txhub.store.pool import open_pool

app = typer.Typer(help="Keys of the API: create, list, revoke.", no_args_is_help=True, add_completion=False)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")]


@app.command()
def create(
    name: NameArgument,
    role: Annotated[
        Role, typer.Option(help="viewer reads; analyst also asks in SQL and keeps lists; admin may do all.")
    ] = Role.VIEWER,
    rate: Annotated[int, typer.Option(metavar="N", min=1, help="Requests a minute.")] = REQUESTS_PER_MINUTE,
    home: wiring.HomeOption = None,
) -> None:
    """Make a key and print it, this once: only its digest is kept."""

    async def make(url: str) -> str:
        async with open_pool(url, name="keys", size=1) as pool:
            return await create_key(pool, name, role, rate)

    with wiring.database(wiring.settings_of(home=home)) as url:
        key = wiring.run(make(url))
    err.print(f"the key of {name} ({role.value}, {rate} requests a minute), which is not shown again:")
    out.print(key, soft_wrap=True)


@app.command("list")
def list_(home: wiring.HomeOption = None) -> None:
    """Show every key that there ever was; not the keys themselves, which nobody knows."""

    async def show(url: str) -> None:
        async with open_pool(url, name="keys", size=1) as pool:
            keys = await read_keys(pool)
        if not keys:
            err.print("there are no keys; `txhub keys create NAME` makes one")
            return
        table = plain_table("id", "name", "role", "requests a minute", "created", "revoked")
        for key in keys:
            revoked = f"{key.revoked_at:%Y-%m-%d %H:%M:%S}" if key.revoked_at else ""
            created = f"{key.created_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(str(key.id), key.name, key.role.value, str(key.requests_per_minute), created, revoked)
        out.print(table)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(show(url))


@app.command()
def revoke(name: NameArgument, home: wiring.HomeOption = None) -> None:
    """End a key; servers notice within five seconds."""

    async def end(url: str) -> None:
        async with open_pool(url, name="keys", size=1) as pool:
            await revoke_key(pool, name)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(end(url))
    err.print(f"the key of {name} is revoked")
