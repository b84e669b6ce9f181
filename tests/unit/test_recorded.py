"""A repeated recording is a chain like any other: numbers, links and times go on, and no hash comes twice."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from tests.data import FIRST, LAST, recorded
from txhub.chain.demo.recorded import Recorded
from txhub.errors import UsageError

BLOCKS = LAST - FIRST + 1
LAPS = 3


async def test_serves_what_was_recorded() -> None:
    with gzip.open(recorded()) as lines:
        blocks = [msgspec.json.decode(line) for line in lines]
    network = Recorded(recorded())
    assert await network.head_number() == LAST
    for block in blocks:
        number = int(block["number"], 16)
        assert msgspec.json.decode(await network.block_json(number) or b"null") == block
        assert await network.block_hash(number) == block["hash"]
        assert await network.number_by_hash(block["hash"]) == number


async def test_repetitions_are_linked_and_share_no_hash() -> None:
    network = Recorded(recorded(), repeat=LAPS)
    assert await network.head_number() == FIRST + LAPS * BLOCKS - 1
    hashes: set[str] = set()
    parent = time = None
    for number in range(FIRST, FIRST + LAPS * BLOCKS):
        block = msgspec.json.decode(await network.block_json(number) or b"null")
        header = msgspec.json.decode(await network.header_json(number) or b"null")
        assert {**header, "transactions": block["transactions"]} == block
        assert int(block["number"], 16) == number
        assert await network.block_hash(number) == block["hash"]
        assert await network.number_by_hash(block["hash"]) == number
        if parent is not None and time is not None:
            assert block["parentHash"] == parent
            assert int(block["timestamp"], 16) - time in {12, 24}
        parent, time = block["hash"], int(block["timestamp"], 16)
        for transaction in block["transactions"]:
            assert transaction["blockHash"] == block["hash"]
            assert transaction["blockNumber"] == block["number"]
            hashes.add(transaction["hash"])
    assert len(hashes) == LAPS * 2137


async def test_knows_nothing_outside_of_the_recording() -> None:
    network = Recorded(recorded(), hidden=2)
    assert await network.head_number() == LAST - 2
    for number in (FIRST - 1, LAST - 1, LAST + 1):
        assert await network.block_json(number) is None
        assert await network.header_json(number) is None
        assert await network.block_hash(number) is None
    hidden = await Recorded(recorded()).block_hash(LAST)
    for unknown in (hidden, "0x" + "00" * 32, "not a hash"):
        assert await network.number_by_hash(unknown or "") is None


async def test_announces_each_revealed_block() -> None:
    network = Recorded(recorded(), hidden=3)
    heads = network.heads()
    first = asyncio.ensure_future(anext(heads))
    await asyncio.sleep(0)
    await network.reveal(2)
    assert [await first, await anext(heads)] == [LAST - 2, LAST - 1]
    await network.reveal(5)
    assert await anext(heads) == LAST
    await heads.aclose()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no gzip", id="no gzip"),
        pytest.param(gzip.compress(b""), id="empty"),
        pytest.param(gzip.compress(b"{"), id="no JSON"),
        pytest.param(gzip.compress(b"[]\n"), id="no block"),
        pytest.param(gzip.compress(b'{"number":"0x1"}\n{"number":"0x3"}\n'), id="a block is missing"),
        pytest.param(gzip.compress(b'{"number":"0x1"}\n' * 40)[:-12], id="cut off"),
    ],
)
def test_refuses_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "blocks.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)):
        Recorded(path)


async def test_blocks_with_receipts_become_a_chain() -> None:
    network = Recorded(recorded(), receipts=recorded().parent, repeat=LAPS)
    plain = Recorded(recorded())
    recorded_numbers = (18_090_206, 18_090_213, 18_090_218)
    assert network.first_number == recorded_numbers[0]
    assert await network.head_number() == network.first_number + LAPS * 3 - 1
    parent = None
    hashes: set[str] = set()
    for at in range(LAPS * 3):
        number = network.first_number + at
        block = msgspec.json.decode(await network.block_json(number) or b"null")
        receipts = msgspec.json.decode(await network.receipts_json(number) or b"null")
        assert parent in {None, block["parentHash"]}
        parent = block["hash"]
        hashes |= {transaction["hash"] for transaction in block["transactions"]}
        assert [receipt["transactionHash"] for receipt in receipts] == [each["hash"] for each in block["transactions"]]
        for part in (*block["transactions"], *receipts, *(log for receipt in receipts for log in receipt["logs"])):
            assert (part["blockHash"], part["blockNumber"]) == (block["hash"], hex(number))
        for receipt in receipts:
            assert {log["transactionHash"] for log in receipt["logs"]} <= {receipt["transactionHash"]}
        said = msgspec.json.decode(await plain.block_json(recorded_numbers[at % 3]) or b"null")
        keep = ("value", "input", "from", "to", "nonce")
        assert [[each[key] for key in keep] for each in block["transactions"]] == [
            [each[key] for key in keep] for each in said["transactions"]
        ]
    assert len(hashes) == LAPS * (150 + 143 + 133)
    assert await network.receipts_json(network.first_number - 1) is None
    assert await plain.receipts_json(FIRST) is None


def test_receipts_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no receipts"):
        Recorded(recorded(), receipts=tmp_path)
    (tmp_path / f"{FIRST}.receipts.json.gz").write_bytes(b"no receipts")
    with pytest.raises(UsageError, match="is not a recording of receipts"):
        Recorded(recorded(), receipts=tmp_path)
