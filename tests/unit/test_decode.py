"""Decoding: known figures of recorded blocks, and refusal of everything that cannot be."""

from __future__ import annotations

import copy
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks import ETHEREUM
from tests.data import FIRST, LAST, recorded
from txhub.chain.decode import RawBlock, decode_block
from txhub.errors import BadBlock
from txhub.model import Block

Tree = dict[str, Any]
ETHER = 10**18


@cache
def mainnet() -> list[Tree]:
    """The 14 recorded blocks as JSON trees; nobody may change them."""
    with gzip.open(recorded()) as lines:
        return [msgspec.json.decode(line) for line in lines]


def fork_block(number: int) -> Tree:
    return msgspec.json.decode(gzip.decompress(recorded(f"ethereum/{number}.json.gz").read_bytes()))


def small() -> Tree:
    """A recorded block cut down to a few transactions of its own, free to be changed."""
    tree = copy.deepcopy(mainnet()[0])
    del tree["transactions"][4:]
    return tree


def decode(tree: Tree, number: int | None = None) -> Block:
    raw = msgspec.json.decode(msgspec.json.encode(tree), type=RawBlock)
    return decode_block(ETHEREUM, raw, int(tree["number"], 16) if number is None else number)


def test_recorded_blocks_add_up() -> None:
    blocks = [decode(tree) for tree in mainnet()]
    rows = [row for block in blocks for row in block.transactions]
    assert [block.number for block in blocks] == list(range(FIRST, LAST + 1))
    assert all(block.parent_hash == before.hash for before, block in pairwise(blocks))
    assert len(rows) == sum(block.tx_count for block in blocks) == 2137
    assert sum(row.value for row in rows) == 1491219908150491057278
    assert Counter(row.tx_type for row in rows) == {0: 440, 1: 5, 2: 1692}
    assert Counter(row.kind for row in rows)["contract_creation"] == 0
    assert sum(row.input_size == 0 for row in rows) == Counter(row.kind for row in rows)["transfer"] == 719
    assert sorted(row.value for row in rows if row.value >= 100 * ETHER) == [
        Decimal("122.104") * ETHER,
        Decimal("244.283839460576902140") * ETHER,
    ]
    minutes = Counter(row.block_time.replace(second=0) for row in rows)
    assert minutes == {datetime(2023, 9, 8, 7, 27 + i, tzinfo=UTC): count for i, count in enumerate((600, 838, 699))}


def test_a_row_holds_what_the_node_said() -> None:
    for tree in mainnet():
        block = decode(tree)
        assert block.hash.hex() == tree["hash"][2:]
        assert (block.gas_used, block.gas_limit, block.base_fee, block.size) == tuple(
            int(tree[key], 16) for key in ("gasUsed", "gasLimit", "baseFeePerGas", "size")
        )
        for index, (row, said) in enumerate(zip(block.transactions, tree["transactions"], strict=True)):
            data = bytes.fromhex(said["input"][2:])
            assert row._replace(kind="") == (
                1,
                block.number,
                block.time,
                index,
                bytes.fromhex(said["hash"][2:]),
                bytes.fromhex(said["from"][2:]),
                bytes.fromhex(said["to"][2:]),
                int(said["value"], 16),
                None,
                None,
                int(said["gasPrice"], 16),
                int(said["type"], 16),
                "",
                data[:4] if len(data) >= 4 else None,
                len(data),
                int(said["nonce"], 16),
                None,
            )


def test_base_fee_begins_with_london() -> None:
    before, after = decode(fork_block(12964999)), decode(fork_block(12965000))
    assert before.base_fee is None
    assert after.base_fee == ETHER // 10**9
    assert after.parent_hash == before.hash
    assert Counter(row.tx_type for row in after.transactions) == {0: 258, 1: 1}


def test_fields_that_cancun_adds_do_no_harm() -> None:
    before, after = decode(fork_block(19426586)), decode(fork_block(19426587))
    assert "blobGasUsed" in fork_block(19426587)
    assert after.parent_hash == before.hash
    assert [Counter(row.tx_type for row in block.transactions) for block in (before, after)] == [
        {0: 14, 2: 113},
        {0: 10, 2: 27},
    ]


@pytest.mark.parametrize("tx_type", [3, 4, 0x7E])
def test_types_of_later_forks_are_kept(tx_type: int) -> None:
    tree = small()
    tree["transactions"][0] |= {"type": hex(tx_type), "maxFeePerBlobGas": "0x1", "blobVersionedHashes": []}
    assert decode(tree).transactions[0].tx_type == tx_type


@pytest.mark.parametrize(
    ("to", "data", "kind", "method", "size"),
    [
        (None, "0x6080604052", "contract_creation", "60806040", 5),
        ("0x" + "11" * 20, "0x", "transfer", None, 0),
        ("0x" + "11" * 20, "0xa9059cbb" + "00" * 64, "token_transfer", "a9059cbb", 68),
        ("0x" + "11" * 20, "0x23b872dd" + "00" * 96, "token_transfer", "23b872dd", 100),
        ("0x" + "11" * 20, "0x42842e0e", "nft_transfer", "42842e0e", 4),
        ("0x" + "11" * 20, "0xb88d4fde", "nft_transfer", "b88d4fde", 4),
        ("0x" + "11" * 20, "0xf242432a", "nft_transfer", "f242432a", 4),
        ("0x" + "11" * 20, "0x2eb2c2d6", "nft_transfer", "2eb2c2d6", 4),
        ("0x" + "11" * 20, "0xA9059CBB", "token_transfer", "a9059cbb", 4),
        ("0x" + "11" * 20, "0x095ea7b3" + "00" * 64, "contract_call", "095ea7b3", 68),
        ("0x" + "11" * 20, "0xa9059c", "contract_call", None, 3),
    ],
)
def test_kind_without_receipts(to: str | None, data: str, kind: str, method: str | None, size: int) -> None:
    tree = small()
    tree["transactions"][1] |= {"to": to, "input": data}
    row = decode(tree).transactions[1]
    assert (row.kind, row.input_size) == (kind, size)
    assert row.method_id == (None if method is None else bytes.fromhex(method))
    assert row.to_address == (None if to is None else b"\x11" * 20)


def test_values_are_exact_up_to_256_bits() -> None:
    tree = small()
    tree["transactions"][0]["value"] = hex(2**256 - 1)
    assert decode(tree).transactions[0].value == 2**256 - 1


def test_what_a_node_may_leave_out() -> None:
    tree = small()
    for key in ("gasUsed", "gasLimit", "baseFeePerGas", "size"):
        del tree[key]
    for transaction in tree["transactions"]:
        for key in ("type", "gasPrice"):
            transaction.pop(key, None)
    block = decode(tree)
    assert (block.gas_used, block.gas_limit, block.base_fee, block.size) == (None, None, None, None)
    assert {(row.tx_type, row.gas_price) for row in block.transactions} == {(0, None)}


HEADER = ("number", "hash", "parentHash", "timestamp", "transactions")
BODY = ("hash", "blockHash", "blockNumber", "transactionIndex", "nonce", "from", "value", "input")


@pytest.mark.parametrize("field", HEADER)
def test_a_missing_header_field_is_not_parsed(field: str) -> None:
    tree = small()
    number = int(tree["number"], 16)
    del tree[field]
    with pytest.raises(msgspec.ValidationError, match=field):
        decode(tree, number)


@pytest.mark.parametrize("field", BODY)
@pytest.mark.parametrize("wrong", [None, 7, True, [], {}])
def test_a_wrong_type_in_a_transaction_is_not_parsed(field: str, wrong: object) -> None:
    tree = small()
    tree["transactions"][2][field] = wrong
    with pytest.raises((msgspec.ValidationError, BadBlock)):
        decode(tree)


def _set(field: str, value: object) -> Callable[[Tree], None]:
    return lambda tree: tree.update({field: value})


def _set_in_third(field: str, value: object) -> Callable[[Tree], None]:
    return lambda tree: tree["transactions"][2].update({field: value})


def _swap(tree: Tree) -> None:
    tree["transactions"][0], tree["transactions"][1] = tree["transactions"][1], tree["transactions"][0]


HEADER_FAULTS = {
    "short hash": _set("hash", "0x12"),
    "hash without 0x": _set("hash", "12" * 33),
    "hash of no hex": _set("hash", "0x" + "zz" * 32),
    "long parent hash": _set("parentHash", "0x" + "12" * 33),
    "negative time": _set("timestamp", "-0x1"),
    "time after 2100": _set("timestamp", "0xf48656ff1"),
    "time of no hex": _set("timestamp", "1694158043"),
    "another number": _set("number", hex(FIRST + 1)),
    "empty number": _set("number", "0x"),
    "number too large": _set("number", hex(2**63)),
    "negative gas": _set("gasUsed", "-0x1"),
    "gas too large": _set("gasLimit", hex(2**63)),
    "size too large": _set("size", hex(2**31)),
    "base fee of no hex": _set("baseFeePerGas", "0x_1"),
    "transactions swapped": _swap,
    "a transaction missing": lambda tree: tree["transactions"].pop(1),
    "a transaction twice": lambda tree: tree["transactions"].append(tree["transactions"][-1]),
}
TRANSACTION_FAULTS = {
    "short hash": _set_in_third("hash", "0x12"),
    "hash of no hex": _set_in_third("hash", "0x" + "zz" * 32),
    "another block's hash": _set_in_third("blockHash", "0x" + "12" * 32),
    "another block's number": _set_in_third("blockNumber", "0x1"),
    "index too high": _set_in_third("transactionIndex", "0x3"),
    "index too low": _set_in_third("transactionIndex", "0x1"),
    "short sender": _set_in_third("from", "0x12"),
    "sender of no hex": _set_in_third("from", "0x" + "zz" * 20),
    "long receiver": _set_in_third("to", "0x" + "12" * 21),
    "receiver of no hex": _set_in_third("to", "0x" + "zz" * 20),
    "value over 256 bits": _set_in_third("value", hex(2**256)),
    "negative value": _set_in_third("value", "-0x1"),
    "value as decimal text": _set_in_third("value", "100"),
    "value with underscore": _set_in_third("value", "0x1_0"),
    "value with blank": _set_in_third("value", " 0x10"),
    "empty value": _set_in_third("value", "0x"),
    "nonce over 64 bits": _set_in_third("nonce", hex(2**63)),
    "nonce of no hex": _set_in_third("nonce", "0xzz"),
    "gas price over 64 bits": _set_in_third("gasPrice", hex(2**63)),
    "type over 127": _set_in_third("type", "0x80"),
    "odd input": _set_in_third("input", "0x123"),
    "input without 0x": _set_in_third("input", "1234"),
    "input of no hex": _set_in_third("input", "0xzzzzzzzz"),
}


@pytest.mark.parametrize("spoil", HEADER_FAULTS.values(), ids=HEADER_FAULTS)
def test_an_impossible_block_is_refused(spoil: Callable[[Tree], None]) -> None:
    tree = small()
    spoil(tree)
    with pytest.raises(BadBlock, match=f"ethereum block {FIRST} is refused: "):
        decode(tree, FIRST)


@pytest.mark.parametrize("spoil", TRANSACTION_FAULTS.values(), ids=TRANSACTION_FAULTS)
def test_an_impossible_transaction_refuses_its_block(spoil: Callable[[Tree], None]) -> None:
    tree = small()
    spoil(tree)
    with pytest.raises(BadBlock, match=f"ethereum block {FIRST} is refused: transaction 2: "):
        decode(tree)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_block_is_right_or_refused(data: st.DataObject) -> None:
    tree = small()
    parts = [tree, *tree["transactions"]]
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(parts))
        if part:
            field = data.draw(st.sampled_from(sorted(part)))
            if data.draw(st.booleans()):
                del part[field]
            else:
                part[field] = data.draw(st.one_of(st.none(), st.integers(), st.text(), st.from_regex(r"0x[0-9a-f]*")))
    try:
        block = decode(tree, FIRST)
    except (BadBlock, msgspec.ValidationError):
        return
    assert block.number == FIRST
    assert len(block.transactions) == len(tree["transactions"])
    for row, said in zip(block.transactions, tree["transactions"], strict=True):
        assert row.value == int(said["value"], 16)
        assert row.hash.hex() == said["hash"][2:].lower()
