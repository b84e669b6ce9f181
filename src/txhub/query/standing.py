"""Whether a committed block stays: how deep it is, and whether a reorg may still replace it."""

from __future__ import annotations

from datetime import datetime, timedelta

from txhub.contract import ChainInfo, Status


def confirmations_of(chain: ChainInfo, number: int) -> int:
    """How many blocks there are from a committed one to the newest, both counted."""
    return max((chain.last_block or number) - number + 1, 1)


def status_of(chain: ChainInfo, number: int, time: datetime, now: datetime) -> Status:
    """The status of a committed block: as `provisional_from` of a series tells it of its time.

    A ledger that ends long ago is final to its end, however near to its end a block is.
    """
    shallow = confirmations_of(chain, number) <= chain.finality_depth
    recent = time >= now - timedelta(seconds=chain.finality_depth * chain.block_time_s)
    return Status.PROVISIONAL if shallow and recent else Status.FINAL
