"""What the OpenAPI document shows of each operation: questions that were asked, and what was answered.

Each file here is of one operation. `make examples` records them all from a running demo, so nothing in
them is made up; lists are cut to their first three.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec


class Recorded(msgspec.Struct, omit_defaults=True):
    """A question and its answer; answers stay the JSON text that they are, nulls and all."""

    request: str
    """Method and path, with the query."""
    body: msgspec.Raw = msgspec.Raw(b"")
    """What was sent, if anything was."""
    status: int = 200
    answer: msgspec.Raw = msgspec.Raw(b"")
    """What was answered in JSON, if that was JSON."""
    texts: dict[str, str] = {}
    """What was answered as text, by media type."""


@cache
def examples_of(method: str, path: str) -> dict[str, Recorded]:
    """The examples of an operation, by name."""
    recorded = files(__name__) / file_of(method, path)
    if not recorded.is_file():
        return {}
    return msgspec.json.decode(recorded.read_bytes(), type=dict[str, Recorded])


def file_of(method: str, path: str) -> str:
    """The name of the file of an operation: `get_v1_blocks_chain_block.json`."""
    return f"{method}{path}".replace("/", "_").translate(str.maketrans("", "", "{}")) + ".json"
