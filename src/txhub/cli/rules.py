"""`txhub rules …`: what is looked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer

from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.cli.logs import configure_logs
from txhub.cli.progress import showing
from txhub.config import parse_span
from txhub.contract.alerts import RuleState, Severity
from txhub.contract.jobs import Backtest
from txhub.errors import NotFound, UsageError
from txhub.store.pool import Pool, open_pool
from txhub.store.rules import Rule, Wanted, delete_rule, read_rule, read_rules, set_rule

app = typer.Typer(help="What is looked for: list, show, set, delete, backtest.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="RULE", help="Its name.")]
_PERSON = "command line"
_PERMILLE = 1000


@app.command("list")
def list_(home: wiring.HomeOption = None) -> None:
    """Show all rules."""

    async def show(pool: Pool, _: str) -> None:
        table = plain_table("rule", "pattern", "severity", "state", "version", "from", "changed")
        for rule in await read_rules(pool):
            pattern = rule.definition.get("pattern", "combined")
            changed = f"{rule.changed_at:%Y-%m-%d %H:%M} by {rule.changed_by}"
            table.add_row(rule.name, pattern, rule.severity, rule.state, str(rule.version), rule.origin, changed)
        out.print(table)

    _run(show, home)


@app.command()
def show(name: NameArgument, home: wiring.HomeOption = None) -> None:
    """Show one rule, with all that is left to defaults."""

    async def tell(pool: Pool, _: str) -> None:
        out.print(_written(await read_rule(pool, name)), soft_wrap=True, highlight=False, markup=False)

    _run(tell, home)


@app.command("set")
def set_(
    name: NameArgument,
    definition: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="What it looks for, see docs/rules.md; `-` reads it from standard input."),
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="How much its alerts matter.", show_default=False)] = None,
    state: Annotated[RuleState | None, typer.Option(help="Whether it is looked for.", show_default=False)] = None,
    home: wiring.HomeOption = None,
) -> None:
    """Make a rule, or change what is given of one; the worker takes it up within seconds."""
    given = None if definition is None else _decoded(sys.stdin.read() if definition == "-" else definition)

    async def put(pool: Pool, _: str) -> None:
        from txhub.detect.rules import define

        known = await _known(pool, name)
        if known is None and given is None:
            raise NotFound(f"there is no rule {name!r}", hint="`--definition` makes one; `txhub rules list` lists all")
        document = known.definition if known is not None and given is None else define(given or {}).document()
        wanted = Wanted(
            document,
            severity or (known.severity if known else Severity.MEDIUM),
            state or (known.state if known else RuleState.ON),
        )
        rule = await set_rule(pool, name, wanted, by=_PERSON)
        err.print(f"{name} is {rule.state.value}, version {rule.version}")

    _run(put, home)


@app.command()
def delete(name: NameArgument, home: wiring.HomeOption = None) -> None:
    """End a rule; its alerts stay."""

    async def end(pool: Pool, _: str) -> None:
        await delete_rule(pool, name)
        err.print(f"{name} is not looked for any more")

    _run(end, home)


@app.command()
def backtest(
    name: NameArgument,
    last: Annotated[str, typer.Option(metavar="SPAN", help="How far back: 24h, 90d.")] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
    home: wiring.HomeOption = None,
) -> None:
    """Say how often a rule would have found something, on whom, with samples. Nothing of it becomes an alert."""
    try:
        past = parse_span(last)
    except (ValueError, OverflowError) as fault:
        raise UsageError(f"--last is {last!r}: {fault}") from None

    async def look_back(pool: Pool, url: str) -> None:
        from txhub.detect.backtest import backtest as look
        from txhub.detect.rules import define
        from txhub.store.read import Reader

        rule = await read_rule(pool, name)
        now, done = datetime.now(UTC), 0
        with showing("‰ of the past", _PERMILLE) as advance:

            async def progress(share: float) -> None:
                nonlocal done
                advance(round(share * _PERMILLE) - done)
                done = round(share * _PERMILLE)

            async with Reader(url, size=1, patience=timedelta(minutes=5)) as reader:
                answer = await look(reader, define(rule.definition), now - past, now, progress)
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        else:
            _print(name, answer)

    _run(look_back, home)


def _print(name: str, answer: Backtest) -> None:
    often = f"{answer.alerts:,} alerts from {answer.start:%Y-%m-%d %H:%M} to {answer.end:%Y-%m-%d %H:%M}"
    out.print(f"{name}: {often}, {answer.alerts_a_day:,.2f} a day; {answer.rows:,} rows were looked at")
    for limit in answer.limits:
        err.print(f"[yellow]{limit}[/]")
    for title, rows in (
        ("on whom", [(each.chain, each.name, f"{each.alerts:,}") for each in answer.subjects]),
        ("the newest", [(each.chain, f"{each.started_at:%Y-%m-%d %H:%M:%S}", each.title) for each in answer.samples]),
    ):
        if rows:
            table = plain_table("chain", *([""] * 2), title=title, title_justify="left")
            for row in rows:
                table.add_row(*row)
            out.print(table)


def _written(rule: Rule) -> str:
    told = {"severity": rule.severity, "state": rule.state, "version": rule.version, "origin": rule.origin}
    return json.dumps({"name": rule.name, **told, "definition": rule.definition}, indent=2)


def _decoded(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as fault:
        raise UsageError(f"--definition is no JSON: {fault}") from None
    if not isinstance(given, dict):
        raise UsageError("--definition is no JSON object", hint='for example {"pattern": "amount", "amount": "1000"}')
    return given


async def _known(pool: Pool, name: str) -> Rule | None:
    return next((rule for rule in await read_rules(pool) if rule.name == name), None)


def _run(work: Callable[[Pool, str], Coroutine[Any, Any, None]], home: Any) -> None:
    settings = wiring.settings_of(home=home)
    configure_logs(settings)

    async def run(url: str) -> None:
        from txhub.detect.defaults import keep_rules

        async with open_pool(url, name="rules", size=2) as pool:
            await keep_rules(pool, settings.rules)
            await work(pool, url)

    with wiring.database(settings) as url:
        wiring.run(run(url))
