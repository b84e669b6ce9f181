"""`txhub node`: the demo network, or recorded blocks, served as a real node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork, many_networks
from txhub.chain.demo.node import Network, serve
from txhub.chain.demo.recorded import Recorded
from txhub.cli import wiring


def node(
    port: Annotated[int, typer.Option(metavar="PORT", help="Listen on this loopback port.")] = 8545,
    blocks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve these recorded blocks (.jsonl.gz) as chain 'recorded'.")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Serve only the recorded blocks whose receipts are here, too.")
    ] = None,
    repeat: Annotated[
        int, typer.Option(min=1, help="Serve the recorded blocks as this many times as long a chain.")
    ] = 1,
    many: Annotated[int, typer.Option(metavar="COUNT", help="Serve so many chains instead, for tests under load.")] = 0,
    rate: Annotated[float, typer.Option(help="Transactions a second of those together, on average.")] = 1000.0,
    attached: wiring.AttachedOption = False,
) -> None:
    """Serve the demo network, a chain under each path, as a real JSON-RPC and WebSocket node."""
    networks: dict[str, Network]
    if blocks:
        networks = {"recorded": Recorded(blocks, repeat=repeat, receipts=receipts)}
    elif many:
        networks = dict(many_networks(many, rate))
    else:
        networks = {chain.name: DemoNetwork(chain) for chain in DEMO_CHAINS}
    wiring.run(_serve(networks, port), attached=attached)


async def _serve(networks: dict[str, Network], port: int) -> None:
    async with serve(networks, port=port):
        await asyncio.Event().wait()
