"""Where txhub's files that are not Python are: beside the package once installed, at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(folder: str) -> Path:
    """The folder `sql` or `alembic` of this installation.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    for place in (_PACKAGE, _PACKAGE.parent.parent):
        if (place / folder).is_dir():
            return place / folder
    raise FileNotFoundError(f"{folder}/ is missing beside {_PACKAGE}: install txhub again")
