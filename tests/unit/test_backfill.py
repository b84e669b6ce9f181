"""Backfilling from a scripted source into a ledger that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.blocks import ETHEREUM, make_block
from txhub.errors import BadBlock, BrokenLink, DatabaseUnavailable, NodeUnavailable
from txhub.ingest import backfill as stage
from txhub.ingest import supervisor
from txhub.ingest.gaps import fill
from txhub.model import Block
from txhub.store.ledger import Committed


class ScriptedSource:
    """Answers with made blocks; refuses `bad` ones, is lost at `lost_at`."""

    def __init__(self, *, bad: Sequence[int] = (), lost_at: int | None = None) -> None:
        self.bad, self.lost_at = bad, lost_at
        self.asked: list[range] = []
        self.under_way = self.most_under_way = 0

    async def blocks(self, numbers: range) -> list[Block | BadBlock]:
        self.asked.append(numbers)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.lost_at in numbers:
            raise NodeUnavailable("the node is away")
        return [BadBlock(f"block {n}") if n in self.bad else make_block(n, transactions=2) for n in numbers]


class CountingLedger:
    """Keeps numbers; can fail, and finds that some blocks do not link."""

    def __init__(self, *, fails: bool = False, unlinked: Sequence[int] = ()) -> None:
        self.chain = ETHEREUM
        self.numbers: list[int] = []
        self.commits: list[int] = []
        self.fails = fails
        self.unlinked = unlinked

    async def missing(self, first: int, last: int) -> list[range]:
        numbers = [number for number in range(first, last + 1) if number not in self.numbers]
        return [range(numbers[0], numbers[-1] + 1)] if numbers else []

    async def commit(self, blocks: Sequence[Block], *, bulk: bool) -> Committed:
        assert bulk
        await asyncio.sleep(0.001)
        if broken := tuple(block.number for block in blocks if block.number in self.unlinked):
            raise BrokenLink(f"block {broken[0]} does not link", numbers=broken)
        if self.fails:
            raise DatabaseUnavailable
        self.numbers += [block.number for block in blocks]
        self.commits.append(len(blocks))
        return Committed(len(blocks), sum(len(block.transactions) for block in blocks))


async def run(source: ScriptedSource, ledger: CountingLedger, runs: list[range], parallel: int = 3) -> stage.Progress:
    return await stage.backfill(source, ledger, runs, request_blocks=10, parallel_requests=parallel)  # type: ignore[arg-type]


async def test_every_block_is_asked_for_once_newest_first() -> None:
    source, ledger = ScriptedSource(), CountingLedger()
    done = await run(source, ledger, [range(100, 125), range(7)])
    assert source.asked == [range(115, 125), range(105, 115), range(100, 105), range(7)]
    assert sorted(ledger.numbers) == [*range(7), *range(100, 125)]
    assert (done.done, done.blocks, done.transactions, done.refused) == (32, 32, 64, [])


async def test_a_refused_block_is_listed_and_the_rest_goes_on() -> None:
    ledger = CountingLedger()
    done = await run(ScriptedSource(bad=[13, 40]), ledger, [range(50)])
    assert sorted(map(str, done.refused)) == ["block 13", "block 40"]
    assert sorted(ledger.numbers) == sorted(set(range(50)) - {13, 40})


async def test_blocks_that_do_not_link_are_listed_and_the_rest_of_their_batch_is_committed() -> None:
    ledger = CountingLedger(unlinked=[13, 14, 40])
    done = await run(ScriptedSource(), ledger, [range(50)])
    assert sorted(refusal.numbers for refusal in done.refused if isinstance(refusal, BrokenLink)) == [
        (13,),
        (14,),
        (40,),
    ]
    assert all(f"ethereum block {refusal.numbers[0]} is refused" in str(refusal) for refusal in done.refused)  # type: ignore[attr-defined]
    assert sorted(ledger.numbers) == sorted(set(range(50)) - {13, 14, 40})
    assert (done.done, done.blocks) == (50, 47)


async def test_a_lost_node_is_waited_for_and_what_is_committed_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    source, ledger, reported = ScriptedSource(lost_at=55), CountingLedger(), []

    def report(progress: stage.Progress) -> None:
        reported.append((progress.done, progress.blocks))
        source.lost_at = None if len(reported) > 3 else 55

    monkeypatch.setattr(stage, "COMMIT_S", 0.0)
    done = await fill(
        source,  # type: ignore[arg-type]
        ledger,  # type: ignore[arg-type]
        range(500),
        request_blocks=10,
        parallel_requests=1,
        report=report,
    )
    assert sorted(ledger.numbers) == list(range(500)), "each of them once"
    assert (done.done, done.blocks, done.transactions, done.refused) == (500, 500, 1000, [])
    assert reported == sorted(reported), "a bar never goes back"
    assert sum(map(len, source.asked)) <= 510


async def test_commits_are_large_and_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "COMMIT_TRANSACTIONS", 200)
    source, ledger = ScriptedSource(), CountingLedger()
    await run(source, ledger, [range(1000)], parallel=4)
    assert source.most_under_way <= 4
    assert all(count == 100 for count in ledger.commits)


@pytest.mark.parametrize(
    ("source", "ledger", "error"),
    [
        (ScriptedSource(lost_at=55), CountingLedger(), NodeUnavailable),
        (ScriptedSource(), CountingLedger(fails=True), DatabaseUnavailable),
    ],
    ids=["node", "database"],
)
async def test_the_failure_of_a_part_is_the_failure_of_the_whole(
    source: ScriptedSource, ledger: CountingLedger, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await run(source, ledger, [range(500)])


async def test_nothing_to_do_is_done_at_once() -> None:
    done = await run(ScriptedSource(), CountingLedger(), [])
    assert done == stage.Progress()
