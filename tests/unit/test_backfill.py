"""Backfilling from a scripted source into a ledger that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from tests.blocks import BITCOIN, ETHEREUM, make_block
from txhub.errors import BadBlock, BrokenLink, DatabaseUnavailable, NodeUnavailable
from txhub.ingest import backfill as stage
from txhub.ingest import supervisor
from txhub.ingest.gaps import fill
from txhub.model import Block, Chain
from txhub.store.ledger import Committed


def rows_of(blocks: Iterable[Block]) -> int:
    """Rows of all tables that the blocks bring, theirs in the ledger among them."""
    return sum(1 + len(b.transactions) + len(b.token_transfers) + len(b.utxo_io) for b in blocks)


class ScriptedSource:
    """Answers with made blocks of some chain; refuses `bad` ones, is lost at `lost_at`."""

    def __init__(self, *, bad: Sequence[int] = (), lost_at: int | None = None, chain: Chain = ETHEREUM) -> None:
        self.bad, self.lost_at, self.chain = bad, lost_at, chain
        self.rows = 0
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
        blocks = {n: make_block(n, chain=self.chain, transactions=2) for n in numbers if n not in self.bad}
        self.rows += rows_of(blocks.values())
        return [blocks.get(n, BadBlock(f"block {n}")) for n in numbers]


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


class WatchingLedger(CountingLedger):
    """Sees at each commit how many rows it brings, and how many were answered and are not committed."""

    def __init__(self, source: ScriptedSource) -> None:
        super().__init__()
        self.source = source
        self.rows: list[int] = []
        self.most_waiting = 0

    async def commit(self, blocks: Sequence[Block], *, bulk: bool) -> Committed:
        committed = await super().commit(blocks, bulk=bulk)
        self.most_waiting = max(self.most_waiting, self.source.rows - sum(self.rows))
        self.rows.append(rows_of(blocks))
        return committed


@pytest.mark.parametrize("chain", [ETHEREUM, BITCOIN], ids=["transfers", "utxo_io"])
async def test_commits_are_large_and_what_waits_is_bounded_in_rows_of_all_tables(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "COMMIT_ROWS", 600)
    monkeypatch.setattr(stage, "MOST_ROWS", 900)
    monkeypatch.setattr(stage, "COMMIT_S", 60.0)
    source = ScriptedSource(chain=chain)
    ledger = WatchingLedger(source)
    await run(source, ledger, [range(1000)], parallel=4)
    an_answer = 10 * (1 + 2 + 8)
    assert 1 < source.most_under_way <= 4
    assert all(600 <= rows < 600 + an_answer for rows in ledger.rows[:-1])
    assert 600 < ledger.most_waiting < 900 + an_answer, "an answer may be more than was foretold"
    assert sorted(ledger.numbers) == list(range(1000))


async def test_an_answer_larger_than_the_bound_passes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_ROWS", 5)
    source = ScriptedSource(bad=[*range(40, 50), 63], chain=BITCOIN)
    ledger = WatchingLedger(source)
    async with asyncio.timeout(10):
        done = await run(source, ledger, [range(100)], parallel=4)
    assert (done.blocks, len(done.refused)) == (89, 11)
    assert source.most_under_way == 1
    assert ledger.most_waiting == 110


async def test_fetchers_that_wait_for_room_end_with_the_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_ROWS", 100)
    committing = asyncio.Event()

    class LockedLedger(CountingLedger):
        async def commit(self, blocks: Sequence[Block], *, bulk: bool) -> Committed:
            committing.set()
            await asyncio.Event().wait()
            raise AssertionError

    source = ScriptedSource(chain=BITCOIN)
    backfilling = asyncio.create_task(run(source, LockedLedger(), [range(1000)]))
    async with asyncio.timeout(10):
        await committing.wait()
    assert len(source.asked) == 1
    backfilling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await backfilling
    assert asyncio.all_tasks() == {asyncio.current_task()}


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
