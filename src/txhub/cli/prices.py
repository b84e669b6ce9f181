"""`txhub prices …`: what coins and tokens were worth in US dollars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from txhub.cli import wiring
from txhub.cli.console import out
from txhub.cli.logs import configure_logs
from txhub.store import prices as store
from txhub.store.pool import open_pool

app = typer.Typer(help="Prices in US dollars: import them.", no_args_is_help=True, add_completion=False)


@app.callback()
def _prices() -> None:
    """Prices in US dollars: import them."""


@app.command("import")
def import_prices(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: asset,time,usd and, if you like, source.")],
    home: wiring.HomeOption = None,
) -> None:
    """Store the prices of a file; those of the same asset and moment are replaced, so run it again at any time."""
    settings = wiring.settings_of(home=home)
    configure_logs(settings)

    async def load(url: str) -> None:
        async with open_pool(url, name="prices", size=1) as pool:
            count = await store.import_prices(pool, file)
        out.print(f"{count:,} prices stored")

    with wiring.database(settings) as url:
        wiring.run(load(url))
