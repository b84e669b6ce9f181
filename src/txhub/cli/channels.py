"""`txhub channels …`: where alerts are told."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer
from rich.markup import escape

from txhub.alert.channels import Outcome, channel_of, channels_of
from txhub.alert.message import say
from txhub.cli import wiring
from txhub.cli.console import err, out, plain_table
from txhub.contract import Severity
from txhub.errors import Unavailable

app = typer.Typer(help="Channels: where alerts are told.", no_args_is_help=True, add_completion=False)


class NotDelivered(Unavailable):
    """The channel did not take the message."""

    code = "not-delivered"


@app.command("list")
def list_() -> None:
    """Show the channels of the settings, without their secrets."""
    channels = channels_of(wiring.settings_of().channels)
    if not channels:
        err.print("there are no channels; docs/alerts.md shows how one is set up")
        return
    table = plain_table("name", "by", "from", "rules", "patterns", "chains", "digest")
    for channel in channels:
        asked = channel.settings
        kind = "webhook" if asked.webhook else (asked.url.get_secret_value() if asked.url else "").partition(":")[0]
        names = (asked.rules, asked.patterns, asked.chains)
        digest = ", ".join(f"{time:%H:%M}" for time in channel.digest)
        chosen = [", ".join(each) if each else "all" for each in names]
        table.add_row(*map(escape, [channel.name, kind, asked.least_severity.value, *chosen, digest]))
    out.print(table)


@app.command()
def test(name: Annotated[str, typer.Argument(metavar="NAME", help="The channel.")]) -> None:
    """Send a message to a channel now, and say what became of it."""
    channel = channel_of(wiring.settings_of().channels, name)

    async def send() -> Outcome:
        sender = channel.sender()
        try:
            text = f"This is a test of channel {name}. Alerts will look better."
            return await sender.send(*say(str(uuid.uuid4()), name, "test", "txhub can reach you", text, Severity.LOW))
        finally:
            await sender.close()

    outcome = wiring.run(send())
    if outcome is None:
        return
    status = f" (HTTP {outcome.status})" if outcome.status else ""
    if outcome.kind != "delivered":
        raise NotDelivered(f"{name} did not take the message{status}: {outcome.reason}")
    out.print(f"delivered to {name}{status}")
