"""Lists of labels: versions that follow one another, whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.blocks import BITCOIN, ETHEREUM
from tests.commands import environment, run
from txhub.errors import UsageError
from txhub.store.labels import Imported, ListVersion, import_list, read_lists
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
HEADER = "address,name,category,country,chain\n"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        for chain in (ETHEREUM, BITCOIN):
            await Ledger(pool, chain).register()
        yield pool


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


async def labels(pool: Pool) -> list[tuple[Any, ...]]:
    columns = "chain_id, address, name, category, country, source, list_version, valid_from, valid_to"
    return [tuple(row) for row in await pool.fetch(f"SELECT {columns} FROM txhub.labels ORDER BY id")]


async def test_labels_are_stored_as_their_chain_has_them(pool: Pool, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        HEADER
        + f"0x{'aB' * 20},Acme,Exchange,gb,ethereum\n"
        + f"0X{'CD' * 20},Everywhere,bridge,,\n"
        + "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4,Mixer,mixer,,bitcoin\n"
        + "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,Genesis,other,,\n",
    )
    done = await import_list(pool, path, source="acme", version="7", as_of=MONDAY)
    assert done == Imported("7", 4, 0)
    rest = ("acme", "7", MONDAY, None)
    assert await labels(pool) == [
        (1, b"\xab" * 20, "Acme", "exchange", "GB", *rest),
        (None, b"\xcd" * 20, "Everywhere", "bridge", None, *rest),
        (0, b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Mixer", "mixer", None, *rest),
        (None, b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "Genesis", "other", None, *rest),
    ]


async def test_a_chain_can_be_given_for_records_that_name_none(pool: Pool, tmp_path: Path) -> None:
    bitcoin = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    path = written(tmp_path, f"address,name,category,chain\n0x{'ab' * 20},A,x,\n{bitcoin},B,x,bitcoin\n")
    await import_list(pool, path, source="s", chain="ethereum", as_of=MONDAY)
    assert [row[0] for row in await labels(pool)] == [1, 0]
    with pytest.raises(UsageError, match=r"line 2: address '0x.* is not a Bitcoin address"):
        await import_list(pool, path, source="t", chain="bitcoin", as_of=MONDAY)
    with pytest.raises(UsageError, match=r"chain 'base' is not in the database; these are: bitcoin, ethereum"):
        await import_list(pool, path, source="t", chain="base", as_of=MONDAY)


async def test_a_new_version_takes_the_place_of_the_old_one(pool: Pool, tmp_path: Path) -> None:
    first = written(tmp_path, f'[{{"address": "0x{"11" * 20}", "name": "A", "category": "x"}}]', "1.json")
    second = written(tmp_path, f'{{"address": "0x{"22" * 20}", "name": "B", "category": "x"}}\n' * 2, "2.jsonl")
    await import_list(pool, first, source="other", version="1", as_of=TUESDAY)
    await import_list(pool, first, source="list", version="1", as_of=MONDAY)
    assert await import_list(pool, second, source="list", version="2", as_of=TUESDAY) == Imported("2", 2, 1)
    assert await read_lists(pool, "list") == [
        ListVersion("list", "1", MONDAY, TUESDAY, 1),
        ListVersion("list", "2", TUESDAY, None, 2),
    ]
    assert [each.source for each in await read_lists(pool)] == ["list", "list", "other"]
    at = """
        SELECT list_version FROM txhub.labels
        WHERE source = 'list' AND valid_from <= $1 AND (valid_to > $1) IS NOT false
    """
    for moment, versions in (
        (MONDAY - timedelta(seconds=1), []),
        (MONDAY, ["1"]),
        (TUESDAY - timedelta(microseconds=1), ["1"]),
        (TUESDAY, ["2", "2"]),
    ):
        assert [row[0] for row in await pool.fetch(at, moment)] == versions


async def test_what_is_there_already_or_too_early_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}0x{'11' * 20},A,x,,\n")
    done = await import_list(pool, path, source="list", as_of=TUESDAY)
    assert done.version.startswith("sha256:")
    before = await labels(pool)
    with pytest.raises(UsageError, match=f"version {done.version} of list is there already"):
        await import_list(pool, path, source="list", as_of=WEDNESDAY)
    for early in (MONDAY, TUESDAY):
        with pytest.raises(UsageError, match="list last changed at 2026-03-03"):
            await import_list(pool, path, source="list", version="2", as_of=early)
    assert await labels(pool) == before
    await import_list(pool, path, source="list", version="2", as_of=WEDNESDAY)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("0x12,A,x,,", "address '0x12' is not"),
        (f"0x{'11' * 20},,x,,", "missing required field `name`"),
        (f"0x{'11' * 20},A,x,GBR,", "country 'GBR' is not two letters"),
        (f"0x{'11' * 20},A,x,,solana", "chain 'solana' is not in the database; these are: bitcoin, ethereum"),
        (f"0x{'11' * 20},A,x,,bitcoin", "address '0x.*' is not a Bitcoin address"),
        (f"0x{'11' * 20},A\x00,x,,", "characters that cannot be printed"),
        (f"0x{'11' * 20},A,x", "it has 3 fields, the header has 5"),
    ],
)
async def test_a_file_with_a_bad_line_is_refused_whole(pool: Pool, tmp_path: Path, line: str, fault: str) -> None:
    good = f"0x{'22' * 20},Good,x,GB,ethereum\n"
    await import_list(pool, written(tmp_path, HEADER + good), source="list", version="1", as_of=MONDAY)
    before = await labels(pool)
    path = written(tmp_path, HEADER + good * 5000 + line + "\n" + good)
    with pytest.raises(UsageError, match=rf"list\.csv is refused: line 5002: .*{fault}"):
        await import_list(pool, path, source="list", version="2", as_of=TUESDAY)
    with pytest.raises(UsageError, match=r"list\.csv has no labels"):
        await import_list(pool, written(tmp_path, HEADER), source="list", version="2", as_of=TUESDAY)
    assert await labels(pool) == before


async def test_the_commands_import_and_list(database: str, pool: Pool, tmp_path: Path) -> None:
    env = environment(database)
    path = written(tmp_path, f"{HEADER}0x{'11' * 20},A,x,,\n", "ofac.csv")
    done = run("labels", "import", str(path), "--list-version", "9", "--as-of", "2026-03-02", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ofac: version 9, 1 labels from 2026-03-02T00:00:00+00:00 on" in done.stdout
    assert await read_lists(pool) == [ListVersion("ofac", "9", MONDAY, None, 1)]
    again = run("labels", "import", str(path), "--list-version", "9", env=env)
    assert again.returncode == 2
    assert "version 9 of ofac is there already" in again.stderr
    shown = run("labels", "list", "--source", "ofac", env=env)
    assert [line.split() for line in shown.stdout.splitlines()[1:]] == [["ofac", "9", "1", MONDAY.isoformat(), "now"]]
