"""What the README shows works as it is written: its queries, its requests and its program."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import polars as pl
import psycopg
import pytest

from tests.blocks import make_block
from tests.commands import environment, running
from txhub.chain.demo.network import DEMO_CHAINS
from txhub.ports import free_port, wait_for_port
from txhub.store.ledger import Ledger
from txhub.store.pool import open_pool

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "127.0.0.1:8050"
TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def blocks(language: str) -> list[str]:
    """The README's fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
async def demo_database(database: str) -> AsyncIterator[str]:
    """A database that knows the demo's chains, with a block of one of them."""
    async with open_pool(database, name="test") as pool:
        for chain in DEMO_CHAINS:
            await Ledger(pool, chain).register()
        await Ledger(pool, DEMO_CHAINS[0]).commit([make_block(0, chain=DEMO_CHAINS[0], transactions=5)])
        yield database


def test_its_queries_run(demo_database: str) -> None:
    assert blocks("sql")
    with psycopg.connect(demo_database) as connection:
        for query in blocks("sql"):
            assert connection.execute(query).description is not None


def test_its_requests_and_its_program_are_answered(demo_database: str) -> None:
    requests = [shlex.split(line) for line in re.findall(r"^ +(curl .*)$", README, re.MULTILINE)]
    assert len(requests) >= 3
    port = free_port()
    with running("serve", "--port", str(port), env=environment(demo_database)) as server:
        wait_for_port(port, server)
        for _, address, *_ in requests:
            answer = httpx.get(f"http://{address.replace(ADDRESS, f'127.0.0.1:{port}')}", timeout=30)
            assert answer.status_code == 200, answer.text
            wanted = answer.request.url.params.get("format", "json")
            assert answer.headers["content-type"].startswith(TYPES.get(wanted, "application/json"))
        for program in blocks("python"):
            names: dict[str, object] = {}
            exec(program.replace(ADDRESS, f"127.0.0.1:{port}"), names)
            assert isinstance(names["rate"], pl.DataFrame)
