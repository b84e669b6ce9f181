"""Receipts: recorded ones counted by other means, and made ones for each rule; what does not fit is refused."""

from __future__ import annotations

import copy
import gzip
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks import ETHEREUM
from tests.data import recorded
from tests.unit.test_decode import Tree, mainnet
from txhub.chain.decode import RawBlock, decode_block
from txhub.chain.receipts import RawFoundLog, RawReceipt, of_logs
from txhub.errors import BadBlock
from txhub.model import Block

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"
ALICE, BOB, OPERATOR = b"\xaa" * 20, b"\xbb" * 20, b"\x0f" * 20
CALLED, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
FACTS = {18_090_206: (150, 4, 339), 18_090_213: (143, 5, 418), 18_090_218: (133, 2, 436)}
"""Transactions, failed ones and logs of the blocks whose receipts are recorded."""


def body(number: int) -> Tree:
    return next(tree for tree in mainnet() if int(tree["number"], 16) == number)


def receipts(number: int) -> list[Tree]:
    return msgspec.json.decode(gzip.decompress(recorded(f"ethereum/{number}.receipts.json.gz").read_bytes()))


def decode(block: Tree, said: list[Tree] | None) -> Block:
    raw = msgspec.json.decode(msgspec.json.encode(block), type=RawBlock)
    told = None if said is None else msgspec.json.decode(msgspec.json.encode(said), type=list[RawReceipt])
    return decode_block(ETHEREUM, raw, int(block["number"], 16), told)


def word(value: int | bytes) -> str:
    return f"{value:064x}" if isinstance(value, int) else value.hex().rjust(64, "0")


def log(event: str, *indexed: int | bytes, data: tuple[int | bytes, ...] = (), address: str = CALLED) -> Tree:
    return {
        "address": address,
        "topics": [event, *(f"0x{word(each)}" for each in indexed)],
        "data": "0x" + "".join(map(word, data)),
        "logIndex": "0x7",
    }


def made(*logs: Tree, **changes: object) -> tuple[Tree, list[Tree]]:
    """A block of one transaction that calls a contract, and its receipt with these logs; `changes` are of both."""
    block = copy.deepcopy(mainnet()[0])
    transaction = block["transactions"][0] | {"to": CALLED, "input": "0x12345678", "type": "0x2"} | changes
    block["transactions"] = [transaction]
    receipt = {
        "transactionHash": transaction["hash"],
        "blockHash": block["hash"],
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3b9aca00",
        "logs": list(logs),
    }
    return block, [receipt | changes]


def moves(*logs: Tree) -> list[tuple[str, bytes, bytes, int | None, int]]:
    return [
        (
            row.standard,
            row.from_address,
            row.to_address,
            None if row.token_id is None else int(row.token_id),
            int(row.amount),
        )
        for row in decode(*made(*logs)).token_transfers
    ]


@pytest.mark.parametrize("number", FACTS)
def test_recorded_receipts_add_up(number: int) -> None:
    block, said = body(number), receipts(number)
    decoded = decode(block, said)
    rows = decoded.transactions
    logs = [log for receipt in said for log in receipt["logs"]]
    assert (len(rows), sum(row.success is False for row in rows), len(logs)) == FACTS[number]
    assert all(row.success is not None for row in rows)
    assert sum(row.gas_used or 0 for row in rows) == int(block["gasUsed"], 16)
    for row, receipt in zip(rows, said, strict=True):
        assert (row.gas_used, row.gas_price) == (int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16))
        assert row.fee == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    without = decode(block, None).transactions
    unknown = {"success": None, "gas_used": None, "fee": None, "kind": ""}
    assert [row._replace(**unknown) for row in rows] == [row._replace(kind="") for row in without]


@pytest.mark.parametrize("number", FACTS)
def test_recorded_transfers_are_those_of_the_logs(number: int) -> None:
    expected = [
        (
            int(log["transactionIndex"], 16),
            int(log["logIndex"], 16),
            log["address"],
            "0x" + log["topics"][1][26:],
            "0x" + log["topics"][2][26:],
            int(log["data"], 16),
        )
        for receipt in receipts(number)
        for log in receipt["logs"]
        if log["topics"][:1] == [TRANSFER] and len(log["topics"]) == 3
    ]
    transfers = decode(body(number), receipts(number)).token_transfers
    erc20 = [row for row in transfers if row.standard == "erc20"]
    assert len(expected) > 100
    assert [
        (
            row.tx_index,
            row.log_index,
            f"0x{row.token_address.hex()}",
            f"0x{row.from_address.hex()}",
            f"0x{row.to_address.hex()}",
            row.amount,
        )
        for row in erc20
    ] == expected
    assert {row.token_id for row in erc20} == {None}
    others = {
        "erc721": sum(log["topics"][:1] == [TRANSFER] and len(log["topics"]) == 4 for log in logs_of(number)),
        "erc1155": sum(log["topics"][:1] == [SINGLE] for log in logs_of(number)),
    }
    assert others["erc1155"] > 0
    assert {name: sum(row.standard == name for row in transfers) for name in others} == others
    assert {(row.chain_id, row.block_number) for row in transfers} == {(1, number)}


def logs_of(number: int) -> list[Tree]:
    return [log for receipt in receipts(number) for log in receipt["logs"]]


def test_each_standard() -> None:
    most = 2**256 - 1
    assert moves(log(TRANSFER, ALICE, BOB, data=(most,))) == [("erc20", ALICE, BOB, None, most)]
    assert moves(log(TRANSFER, ALICE, BOB, data=(0,))) == [("erc20", ALICE, BOB, None, 0)]
    assert moves(log(TRANSFER, ALICE, BOB, most)) == [("erc721", ALICE, BOB, most, 1)]
    assert moves(log(SINGLE, OPERATOR, ALICE, BOB, data=(5, 9))) == [("erc1155", ALICE, BOB, 5, 9)]
    batch = log(BATCH, OPERATOR, ALICE, BOB, data=(64, 160, 2, 5, 6, 2, 70, most))
    assert moves(batch) == [("erc1155", ALICE, BOB, 5, 70), ("erc1155", ALICE, BOB, 6, most)]
    assert {row.log_index for row in decode(*made(batch)).token_transfers} == {7}
    # Where a list stands is the contract's choice: here the amounts come first, then a word that nobody needs.
    assert moves(log(BATCH, OPERATOR, ALICE, BOB, data=(160, 64, 1, 70, 99, 1, 5))) == [("erc1155", ALICE, BOB, 5, 70)]
    assert moves(log(BATCH, OPERATOR, ALICE, BOB, data=(64, 96, 0, 0))) == []


LOOKALIKES = {
    "not indexed, as CryptoKitties": log(TRANSFER, data=(ALICE, BOB, 5)),
    "WETH deposit": log(DEPOSIT, ALICE, data=(5,)),
    "WETH withdrawal": log(WITHDRAWAL, ALICE, data=(5,)),
    "no amount": log(TRANSFER, ALICE, BOB),
    "two amounts": log(TRANSFER, ALICE, BOB, data=(5, 6)),
    "NFT with data": log(TRANSFER, ALICE, BOB, 5, data=(6,)),
    "a party missing": log(TRANSFER, ALICE, data=(5,)),
    "sender longer than an address": log(TRANSFER, b"\x01" + ALICE, BOB, data=(5,)),
    "receiver longer than an address": log(TRANSFER, ALICE, b"\x01" + BOB, data=(5,)),
    "short topic": log(TRANSFER, ALICE, data=(5,)) | {"topics": [TRANSFER, "0x" + ALICE.hex(), "0x" + BOB.hex()]},
    "short amount": log(TRANSFER, ALICE, BOB) | {"data": "0x05"},
    "amount of no hex": log(TRANSFER, ALICE, BOB) | {"data": "0x" + "zz" * 32},
    "address of no hex": log(TRANSFER, ALICE, BOB, data=(5,))
    | {"topics": [TRANSFER, "0x" + "00" * 12 + "zz" * 20] * 2},
    "no topics": log(TRANSFER) | {"topics": []},
    "single without operator": log(SINGLE, ALICE, BOB, data=(5, 6)),
    "single with three words": log(SINGLE, OPERATOR, ALICE, BOB, data=(5, 6, 7)),
    "batch without data": log(BATCH, OPERATOR, ALICE, BOB),
    "batch of unlike lists": log(BATCH, OPERATOR, ALICE, BOB, data=(64, 128, 1, 5, 2, 6, 7)),
    "batch cut off": log(BATCH, OPERATOR, ALICE, BOB, data=(64, 128, 1, 5, 2, 6)),
    "batch of too many": log(BATCH, OPERATOR, ALICE, BOB, data=(64, 128, 2**255, 5, 1, 6)),
    "batch from nowhere": log(BATCH, OPERATOR, ALICE, BOB, data=(2**255, 128, 1, 5, 1, 6)),
    "batch from the middle of a word": log(BATCH, OPERATOR, ALICE, BOB, data=(65, 128, 1, 5, 1, 6)),
}


@pytest.mark.parametrize("lookalike", LOOKALIKES.values(), ids=LOOKALIKES)
def test_what_only_looks_like_a_transfer_is_passed_over(lookalike: Tree) -> None:
    real = log(TRANSFER, ALICE, BOB, data=(5,))
    assert moves(real, lookalike, real) == [("erc20", ALICE, BOB, None, 5)] * 2


TOKEN, NFT = log(TRANSFER, ALICE, BOB, data=(5,)), log(TRANSFER, ALICE, BOB, 5)
PASS, PASS_NFT = TOKEN | {"address": OTHER}, NFT | {"address": OTHER}
UNRELATED = log(DEPOSIT, ALICE, data=(5,))
KINDS: dict[str, tuple[tuple[Tree, ...], dict[str, Any], str]] = {
    "created, with transfers": ((TOKEN, NFT), {"to": None}, "contract_creation"),
    "coins only": ((), {"input": "0x"}, "transfer"),
    "coins that a contract wrapped": ((UNRELATED,), {"input": "0x"}, "transfer"),
    "coins that bought others' tokens": ((PASS,), {"input": "0x"}, "contract_call"),
    "coins that bought its own tokens": ((TOKEN,), {"input": "0x"}, "token_transfer"),
    "tokens by an unknown method": ((TOKEN,), {}, "token_transfer"),
    "tokens after others": ((PASS_NFT, TOKEN), {}, "token_transfer"),
    "tokens by transferFrom": ((TOKEN,), {"input": "0x23b872dd"}, "token_transfer"),
    "an NFT by transferFrom": ((NFT,), {"input": "0x23b872dd"}, "nft_transfer"),
    "an NFT before tokens": ((NFT, TOKEN), {}, "nft_transfer"),
    "an NFT after tokens": ((TOKEN, NFT), {}, "nft_transfer"),
    "several at once": ((log(SINGLE, OPERATOR, ALICE, BOB, data=(5, 6)),), {}, "nft_transfer"),
    "a swap": ((PASS, PASS), {}, "contract_call"),
    "a sale on a market": ((PASS_NFT, PASS), {}, "contract_call"),
    "nothing moved": ((UNRELATED,), {}, "contract_call"),
    "no logs": ((), {}, "contract_call"),
    "failed": ((), {"status": "0x0", "input": "0xa9059cbb"}, "token_transfer"),
    "failed coins": ((), {"status": "0x0", "input": "0x"}, "transfer"),
    "a token without its standard's log": ((UNRELATED,), {"input": "0xa9059cbb"}, "token_transfer"),
}


@pytest.mark.parametrize(("logs", "changes", "kind"), KINDS.values(), ids=KINDS)
def test_kind(logs: tuple[Tree, ...], changes: dict[str, Any], kind: str) -> None:
    assert decode(*made(*logs, **changes)).transactions[0].kind == kind


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (True, 21000, 10**9, 21000 * 10**9)),
        ({"status": "0x0"}, (False, 21000, 10**9, 21000 * 10**9)),
        ({"status": None}, (None, 21000, 10**9, 21000 * 10**9)),
        ({"l1Fee": "0x64"}, (True, 21000, 10**9, 21000 * 10**9 + 100)),
        ({"type": "0x7e", "effectiveGasPrice": "0x0", "l1Fee": "0x0"}, (True, 21000, 0, 0)),
        ({"effectiveGasPrice": None, "gasPrice": "0x2"}, (True, 21000, 2, 42000)),
        ({"effectiveGasPrice": None, "gasPrice": None}, (True, 21000, None, None)),
        (
            {"type": "0x3", "blobGasUsed": "0x20000", "blobGasPrice": "0x3"},
            (True, 21000, 10**9, 21000 * 10**9 + 3 * 2**17),
        ),
        ({"type": "0x2", "blobGasUsed": "0x20000", "blobGasPrice": "0x3"}, (True, 21000, 10**9, 21000 * 10**9)),
    ],
)
def test_fee(changes: dict[str, Any], expected: tuple[bool | None, int, int | None, int | None]) -> None:
    row = decode(*made(**changes)).transactions[0]
    assert (row.success, row.gas_used, row.gas_price, row.fee) == expected
    assert row.fee is None or isinstance(row.fee, Decimal)


def _of_another_block(said: list[Tree]) -> None:
    for receipt in said:
        receipt["blockHash"] = "0x" + "12" * 32


def _set(field: str, value: object) -> Callable[[list[Tree]], None]:
    return lambda said: said[3].update({field: value})


def _set_in_log(field: str, value: object) -> Callable[[list[Tree]], None]:
    return lambda said: next(
        log for receipt in said for log in receipt["logs"] if log["topics"][:1] == [TRANSFER]
    ).update({field: value})


FAULTS: dict[str, tuple[Callable[[list[Tree]], object], str]] = {
    "not there yet": (lambda said: said.clear(), "does not have its receipts"),
    "one missing": (lambda said: said.pop(), "149 receipts for its 150"),
    "one too many": (lambda said: said.append(said[-1]), "151 receipts for its 150"),
    "another block's": (_of_another_block, "transaction 0: .*belongs to another block"),
    "swapped": (lambda said: said.reverse(), "transaction 0: .*belongs to another"),
    "another transaction's": (_set("transactionHash", "0x" + "12" * 32), "transaction 3: .*belongs to another"),
    "gas of no hex": (_set("gasUsed", "0xzz"), "transaction 3: "),
    "gas without 0x": (_set("gasUsed", "12"), "transaction 3: "),
    "gas out of range": (_set("gasUsed", hex(2**63)), "transaction 3: "),
    "price out of range": (_set("effectiveGasPrice", hex(2**63)), "transaction 3: "),
    "negative price": (_set("effectiveGasPrice", "-0x1"), "transaction 3: "),
    "impossible status": (_set("status", "0x2"), "transaction 3: .*status"),
    "short token": (_set_in_log("address", "0x12"), "transaction .*log"),
    "log index out of range": (_set_in_log("logIndex", hex(2**31)), "transaction .*log"),
    "log index of no hex": (_set_in_log("logIndex", "first"), "transaction "),
}


@pytest.mark.parametrize(("spoil", "fault"), FAULTS.values(), ids=FAULTS)
def test_receipts_that_do_not_fit_refuse_their_block(spoil: Callable[[list[Tree]], object], fault: str) -> None:
    number = min(FACTS)
    said = receipts(number)
    spoil(said)
    with pytest.raises(BadBlock, match=f"ethereum block {number} is refused: .*{fault}"):
        decode(body(number), said)


def test_an_empty_block_needs_no_receipts() -> None:
    block = body(min(FACTS)) | {"transactions": []}
    assert decode(block, []).transactions == []


def test_logs_alone_tell_of_transfers_and_kinds() -> None:
    number = max(FACTS)
    block, whole = body(number), decode(body(number), receipts(number))
    raw = msgspec.json.decode(msgspec.json.encode(block), type=RawBlock)
    logs = msgspec.json.decode(msgspec.json.encode(logs_of(number)), type=list[RawFoundLog])
    hashes = [transaction.hash for transaction in raw.transactions]
    decoded = decode_block(ETHEREUM, raw, number, of_logs(raw.hash, hashes, logs))
    assert decoded.token_transfers == whole.token_transfers
    assert decoded.transactions == [row._replace(success=None, gas_used=None, fee=None) for row in whole.transactions]
    with pytest.raises(ValueError, match="another block"):
        of_logs(raw.hash, hashes[1:], logs)
    with pytest.raises(ValueError, match="another block"):
        of_logs("0x" + "12" * 32, hashes, logs)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_receipts_are_right_or_refused(data: st.DataObject) -> None:
    block, said = made(TOKEN, NFT, log(BATCH, OPERATOR, ALICE, BOB, data=(64, 128, 1, 5, 1, 6)))
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from([said[0], *said[0]["logs"]]))
        field = data.draw(st.sampled_from(sorted(set(part) - {"logs"})))
        part[field] = data.draw(st.one_of(st.none(), st.integers(), st.text(), st.from_regex(r"0x[0-9a-f]*")))
    try:
        decoded = decode(block, said)
    except (BadBlock, msgspec.ValidationError):
        return
    assert len(decoded.transactions) == 1
    for row in decoded.token_transfers:
        assert {len(address) for address in (row.token_address, row.from_address, row.to_address)} == {20}
        assert 0 <= row.amount < 2**256
