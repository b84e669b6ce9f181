"""The error tree: every failure txhub expects, what it means, and whether trying again helps.

People get `str(error)` (one line) and `error.hint` (what to do); programs get `error.code`, and
over HTTP the same as RFC 9457 problem details. The command line exits with `error.exit_code`.
"""

from __future__ import annotations

from typing import ClassVar


class TxhubError(Exception):
    """Something txhub expects to go wrong went wrong."""

    code: ClassVar[str] = "error"
    retry: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""
    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    """The HTTP status when this error reaches an API client."""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])
        self.hint = hint


class SettingError(TxhubError):
    """A setting has a value that is not allowed."""

    code = "setting"
    exit_code = 2


class UsageError(TxhubError):
    """The request cannot be understood or asks for something that does not exist."""

    code = "usage"
    exit_code = 2
    status = 400


class NotFound(UsageError):
    """There is no such thing."""

    code = "not-found"
    status = 404


class Outdated(TxhubError):
    """Somebody changed it in the meantime."""

    code = "outdated"
    exit_code = 2
    status = 412


class Unavailable(TxhubError):
    """Something outside of this process does not answer; trying again may help."""

    code = "unavailable"
    retry = True
    exit_code = 69
    status = 503


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached."""

    code = "database-unavailable"


class InTheWay(DatabaseUnavailable):
    """Another transaction was in the way."""

    code = "in-the-way"


class DatabaseRefused(TxhubError):
    """The database can be reached but refuses: wrong password, missing right, too old."""

    code = "database-refused"
    exit_code = 77
    status = 503


class TooLong(TxhubError):
    """The question takes the database longer than it may."""

    code = "too-long"
    exit_code = 75
    status = 503


class StatementFailed(UsageError):
    """The database cannot understand or compute the statement."""

    code = "statement-failed"


class StatementRefused(UsageError):
    """The statement does something else than read what analysts may read."""

    code = "statement-refused"
    exit_code = 77
    status = 403


class LaneBusy(Unavailable):
    """Other statements take all the room that there is for them."""

    code = "lane-busy"


class AnalystMissing(TxhubError):
    """This database has no role that statements could be answered with."""

    code = "analyst-missing"
    exit_code = 77
    status = 503


class SchemaMismatch(TxhubError):
    """The database's schema is not the one this release of txhub works with."""

    code = "schema"
    exit_code = 78
    status = 503


class DiskFull(TxhubError):
    """There is no space left for the database."""

    code = "disk-full"
    retry = True
    exit_code = 74
    status = 507


class ServerFailed(TxhubError):
    """The private PostgreSQL server cannot be started or stopped."""

    code = "server"
    exit_code = 70


class PortInUse(TxhubError):
    """Another program listens on the port that was asked for."""

    code = "port-in-use"
    exit_code = 71


class NodeUnavailable(Unavailable):
    """A blockchain node cannot be reached or stopped answering."""

    code = "node-unavailable"


class NodeRefused(TxhubError):
    """A node answered, but with an error, or it serves another chain than the one asked for."""

    code = "node-refused"
    exit_code = 76
    status = 502


class BadBlock(TxhubError):
    """A node's block is refused: a field is missing or impossible, or it does not add up."""

    code = "bad-block"
    retry = True
    exit_code = 65
    status = 502


class BrokenLink(BadBlock):
    """A block's parent hash is not the hash of the block before it in the ledger.

    `numbers` are the blocks that were to be committed and do not fit to their neighbours; nothing was committed.
    """

    code = "broken-link"

    def __init__(self, message: str | None = None, *, numbers: tuple[int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.numbers = numbers


class Incomplete(TxhubError):
    """Some blocks are still missing."""

    code = "incomplete"


class DeepReorg(TxhubError):
    """The chain replaced more blocks than its finality allows: it is not followed any further."""

    code = "deep-reorg"
    exit_code = 65


class NodeBusy(NodeUnavailable):
    """A node limits how much it is asked (HTTP status 429 and the like): ask again, more slowly.

    `after_s` is after how many seconds, where the node says so.
    """

    code = "node-busy"

    def __init__(self, message: str | None = None, *, after_s: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after_s = after_s


class ListenerDied(NodeUnavailable):
    """A node has new blocks, but does not announce them any more."""

    code = "listener-died"


class NodeStuck(NodeUnavailable):
    """A node answers, but has no new blocks while other nodes of its chain have."""

    code = "node-stuck"


class BehindHorizon(TxhubError):
    """The raw rows of this time were dropped: nothing may be written there until they are restored."""

    code = "behind-horizon"
    exit_code = 79
    status = 409


class ArchiveUnavailable(Unavailable):
    """The archive's place cannot be read or written."""

    code = "archive-unavailable"


class ArchiveMismatch(TxhubError):
    """What the archive holds is not what the manifest or the database says."""

    code = "archive-mismatch"
    exit_code = 65


def first_failure(failure: Exception) -> Exception:
    """What went wrong first, where tasks that ran together failed together."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return failure
