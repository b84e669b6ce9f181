"""`txhub doctor`: looks at each part of the way from the node to the reader, and says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import typer
from rich.markup import escape

from txhub import __version__
from txhub.chain.registry import open_source, redact
from txhub.cli import wiring
from txhub.cli.console import out
from txhub.config import Settings
from txhub.errors import TxhubError
from txhub.model import Chain
from txhub.store.edition import Edition
from txhub.store.faults import translated
from txhub.store.migrate import state
from txhub.store.pool import open_pool
from txhub.store.server import open_server
from txhub.store.sqlfiles import queries

LEAST_FREE_BYTES = 2_000_000_000


class Finding(NamedTuple):
    """One thing that was looked at: well, worth knowing, or wrong and then what to do."""

    what: str
    well: bool
    says: str
    hint: str | None = None


def doctor(
    chain: wiring.ChainOption = [],  # noqa: B006 (typer's way)
    rpc: wiring.RpcOption = [],  # noqa: B006
    home: wiring.HomeOption = None,
) -> None:
    """Check settings, database, edition, disk and, with --chain, its nodes; exit code 1 if something is wrong."""
    settings = wiring.settings_of(home=home)
    out.print(f"txhub {__version__}")
    findings = list(_database(settings))
    findings += _disk(settings)
    if chain or rpc or settings.chains:
        findings += wiring.run(_nodes(wiring.chains_of(chain, rpc, settings))) or []
    for finding in findings:
        mark = "[green]ok   [/]" if finding.well else "[red]wrong[/]"
        out.print(f"{mark} {finding.what}: {escape(finding.says)}", soft_wrap=True)
        if finding.hint:
            out.print(f"      [dim]{escape(finding.hint)}[/]", soft_wrap=True)
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _wrong(what: str, error: TxhubError) -> Finding:
    return Finding(what, False, str(error), error.hint)


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with open_server(settings) as server:
            place = "embedded" if server.private else "given by TXHUB_DATABASE_URL"
            yield Finding("database", True, f"answers ({place})")
            schema = state(server.url)
            if schema.edition is None or not schema.current:
                says = f"at revision {schema.revision or 'none'}, this release needs {schema.wanted}"
                yield Finding("schema", False, says, "run `txhub db migrate`")
                return
            yield Finding("schema", True, f"revision {schema.revision}")
            yield _edition(schema.edition)
            yield from wiring.run(_chains(server.url)) or []
    except TxhubError as error:
        yield _wrong("database", error)


def _edition(edition: Edition) -> Finding:
    if edition is Edition.TIMESCALE:
        return Finding("edition", True, "timescale: hypertables, columnstore, continuous aggregates")
    return Finding(
        "edition",
        True,
        "plain: everything but the columnstore, so rows take about four times the space",
        "for the columnstore: install TimescaleDB Community 2.29.1 or later and start with an empty database",
    )


async def _chains(url: str) -> list[Finding]:
    async with open_pool(url, name="doctor", size=1) as pool:
        with translated():
            rows = await pool.fetch(queries("ledger")["newest_blocks"])
    findings = []
    for row in rows:
        age = (datetime.now(UTC) - row["time"]).total_seconds()
        late = age > 20 * row["block_time_s"] + 60
        findings.append(
            Finding(
                f"chain {row['name']}",
                not late,
                f"block {row['number']} of {row['time']:%Y-%m-%d %H:%M:%S}Z is the newest, {age:,.0f} s old",
                f"is `txhub ingest --chain {row['name']}` running?" if late else None,
            )
        )
    return findings


def _disk(settings: Settings) -> list[Finding]:
    if settings.database_url is not None:
        return []
    place = settings.home.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    hint = None if free >= LEAST_FREE_BYTES else "make room, or move the database with TXHUB_HOME"
    return [Finding("disk", hint is None, f"{free / 1e9:,.1f} GB free for {settings.home}", hint)]


async def _nodes(chains: Sequence[Chain]) -> list[Finding]:
    findings = []
    for chain in chains:
        source = open_source(chain)
        try:
            await source.check()
            head = await source.head()
            findings.append(
                Finding(f"node of {chain.name}", True, f"at block {head.number} ({redact(chain.endpoints[0])})")
            )
        except TxhubError as error:
            findings.append(_wrong(f"node of {chain.name}", error))
        finally:
            await source.close()
    return findings
