"""What the command line shows: messages, and errors in one line."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from txhub.errors import TxhubError


class Results(Console):
    """A console that remembers which tables were shown on it: what people read there, programs may want as well."""

    def __init__(self) -> None:
        super().__init__(highlight=False)
        self.tables: list[Table] = []

    def print(self, *objects: Any, **how: Any) -> None:
        """Show objects, as Rich's console does."""
        self.tables += [each for each in objects if isinstance(each, Table)]
        super().print(*objects, **how)


out = Results()
"""Results: what a script would read."""
err = Console(stderr=True, highlight=False)
"""Progress, hints and errors: what a person reads."""


def plain_table(*columns: str, **options: Any) -> Table:
    """A table without lines, which leaves a narrow terminal to what stands in it; options are Rich's."""
    return Table(*columns, box=None, padding=(0, 2, 0, 0), **options)


def show_error(error: TxhubError) -> None:
    """One line that says what is wrong, and one that says what to do."""
    err.print(f"[bold red]error:[/] {_plain(str(error))}", soft_wrap=True)
    if error.hint:
        err.print(f"[dim]{_plain(error.hint)}[/]", soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
