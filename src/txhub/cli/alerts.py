"""`txhub alerts …`: what was found, the case that is made of it, and who was told."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from txhub.alert.delivery import read_deliveries, replay
from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.contract import CaseState, Severity
from txhub.query.alerts import read_alert, read_alerts
from txhub.store.cases import change_case
from txhub.store.pool import open_pool
from txhub.store.read import Reader

app = typer.Typer(help="Alerts: list, show, set, and who was told of them.", no_args_is_help=True, add_completion=False)

IdArgument = Annotated[int, typer.Argument(metavar="ID", help="The alert.")]
ChannelOption = Annotated[
    str | None, typer.Option("--channel", metavar="NAME", help="Of this channel. Default: all", show_default=False)
]


@app.command("list")
def list_(
    case: Annotated[
        list[CaseState], typer.Option("--case", help="What people do about it; repeatable. Default: all")
    ] = [],  # noqa: B006 (typer's way)
    severity: Annotated[list[Severity], typer.Option("--severity", help="Repeatable. Default: all")] = [],  # noqa: B006
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on, such as -24h. Default: all", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many, newest first.")] = 50,
    home: wiring.HomeOption = None,
) -> None:
    """Show alerts, the newest first."""

    async def show(url: str) -> None:
        async with Reader(url, size=1) as reader:
            page = await read_alerts(
                reader, case=case, severity=severity, start=start, limit=limit, now=datetime.now(UTC)
            )
        table = plain_table("id", "when", "severity", "chain", "what", "state", "case")
        for alert in page.as_contract().items:
            when = f"{alert.started_at:%Y-%m-%d %H:%M:%S}"
            states = (alert.chain_state.value, alert.case_state.value)
            _add(table, str(alert.id), when, alert.severity.value, alert.chain or "", alert.title, *states)
        out.print(table)
        if page.next:
            err.print("there are more; see --limit and --start")

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(show(url))


@app.command()
def show(alert_id: IdArgument, home: wiring.HomeOption = None) -> None:
    """Show one alert with its history."""

    async def tell(url: str) -> None:
        async with Reader(url, size=1) as reader:
            story = await read_alert(reader, alert_id, datetime.now(UTC))
        alert = story.alert
        facts: dict[str, Any] = {
            "title": alert.title,
            "severity": alert.severity.value,
            "rule": f"{alert.rule}, version {alert.rule_version} ({alert.pattern})",
            "chain": alert.chain,
            "when": alert.started_at.isoformat(),
            "state": f"{alert.chain_state.value}, {alert.case_state.value}",
            "assignee": alert.assignee,
            "told": f"not at once: {alert.quiet}" if alert.quiet else None,
            "moved": f"{alert.value} {alert.symbol}" if alert.value else None,
            "transaction": alert.hash,
            **{party.role: " ".join([party.address, *party.labels]) for party in alert.parties},
            **alert.details,
        }
        for name, fact in facts.items():
            if fact is not None:
                out.print(f"{escape(name):<12} {escape(str(fact))}", soft_wrap=True)
        table = plain_table("when", "who", "what", "details")
        for entry in story.history:
            details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
            _add(table, f"{entry.time:%Y-%m-%d %H:%M:%S}", entry.actor, entry.event, details)
        out.print(table)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(tell(url))


@app.command("set")
def set_(
    alert_id: IdArgument,
    case: Annotated[CaseState | None, typer.Option("--case", help="What is done about it.", show_default=False)] = None,
    assignee: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who looks into it; empty: nobody.", show_default=False)
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A note.", show_default=False)] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Change an alert's case, in the name of who runs this."""

    async def change(url: str) -> None:
        async with open_pool(url, name="alerts", size=1) as pool:
            await change_case(pool, alert_id, getpass.getuser(), case_state=case, assignee=assignee, text=note)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(change(url))


@app.command()
def deliveries(
    channel: ChannelOption = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="waiting, delivered, dead or void. Default: all", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many, newest first.")] = 50,
    home: wiring.HomeOption = None,
) -> None:
    """Show who was told what, or is to be: messages, how often each was tried, and why it failed."""

    async def show(url: str) -> None:
        async with open_pool(url, name="alerts", size=1) as pool:
            rows = await read_deliveries(pool, channel, state, limit)
        table = plain_table("id", "channel", "kind", "planned", "state", "tries", "title", "last failure")
        for row in rows:
            planned = f"{row.planned_at:%Y-%m-%d %H:%M:%S}"
            _add(
                table,
                *(str(row.id), row.channel, row.kind, planned, row.state, str(row.attempts)),
                *(row.title or "", row.reason or ""),
            )
        out.print(table)

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(show(url))


@app.command("replay")
def replay_(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]…", help="Dead messages. Default: all that are", show_default=False),
    ] = None,
    channel: ChannelOption = None,
    home: wiring.HomeOption = None,
) -> None:
    """Try messages again that were given up; the worker sends them as they are to be said now."""

    async def again(url: str) -> None:
        async with open_pool(url, name="alerts", size=1) as pool:
            done = await replay(pool, channel, ids or None, datetime.now(UTC))
        err.print(f"{len(done)} messages are tried again")

    with wiring.database(wiring.settings_of(home=home)) as url:
        wiring.run(again(url))


def _add(table: Table, *cells: str) -> None:
    row: Sequence[str] = [escape(cell) for cell in cells]
    table.add_row(*row)
