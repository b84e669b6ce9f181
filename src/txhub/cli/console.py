"""What the command line shows: messages, and errors in one line."""

from __future__ import annotations

from rich.console import Console

from txhub.errors import TxhubError

out = Console(highlight=False)
"""Results: what a script would read."""
err = Console(stderr=True, highlight=False)
"""Progress, hints and errors: what a person reads."""


def show_error(error: TxhubError) -> None:
    """One line that says what is wrong, and one that says what to do."""
    err.print(f"[bold red]error:[/] {_plain(str(error))}", soft_wrap=True)
    if error.hint:
        err.print(f"[dim]{_plain(error.hint)}[/]", soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
