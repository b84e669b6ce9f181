"""Bitcoin's blocks become rows whose sums are the chain's own."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bitcoins import block_text, early_blocks
from txhub.chain.bitcoin_decode import RawBlock, decode_block
from txhub.chain.registry import CHAINS
from txhub.errors import BadBlock
from txhub.model import Block, Transaction

BITCOIN = CHAINS["bitcoin"]
OP_RETURN = 0x6A
OP_CHECKSIG = 0xAC
SATOSHIS_FIRST_KEY = (
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
    "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
)
HAL_FINNEYS_KEY = (
    "04ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414"
    "e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84c"
)
SCRIPT_TYPES = {
    (25, "76a9"): "pubkeyhash",
    (23, "a914"): "scripthash",
    (22, "0014"): "witness_v0_keyhash",
    (34, "0020"): "witness_v0_scripthash",
    (34, "5120"): "witness_v1_taproot",
}
"""By length and first two bytes, as Bitcoin's standard scripts are told apart."""


def decode(text: bytes) -> Block:
    raw = msgspec.json.decode(text, type=RawBlock)
    return decode_block(BITCOIN, raw, raw.height)


def satoshi(text: str) -> int:
    """Coins as they are written, to satoshi by moving digits."""
    mantissa, _, exponent = text.partition("e")
    whole, _, part = mantissa.partition(".")
    shift = 8 + int(exponent or 0) - len(part)
    digits = int(whole + part)
    assert shift >= 0 or digits % 10**-shift == 0
    return digits * 10**shift if shift >= 0 else digits // 10**-shift


@pytest.mark.parametrize(("height", "count", "subsidy"), [(361_582, 277, 25), (739_990, 645, Decimal("6.25"))])
def test_recorded_blocks_add_up(height: int, count: int, subsidy: Decimal) -> None:
    text = block_text(height)
    block = decode(text)
    written = json.loads(text, parse_float=satoshi, parse_int=int)["tx"]
    coinbase, *others = block.transactions
    assert block.tx_count == len(written) == count
    assert (block.number, block.hash.hex()) == (height, json.loads(text)["hash"])
    assert block.parent_hash.hex() == json.loads(text)["previousblockhash"]
    assert block.size == json.loads(text)["size"]
    assert [row.hash.hex() for row in block.transactions] == [each["txid"] for each in written]
    assert [row.input_size for row in block.transactions] == [each["vsize"] for each in written]
    # The node's own word on fees, and the coinbase that collects them with the subsidy.
    assert [row.fee for row in others] == [each["fee"] for each in written[1:]]
    assert (coinbase.kind, coinbase.fee, coinbase.from_address) == ("coinbase", 0, None)
    assert coinbase.value == subsidy * 10**8 + sum(row.fee or 0 for row in others)
    assert {(row.kind, row.success, row.tx_type, row.nonce, row.gas_used) for row in others} == {
        ("transfer", True, 0, None, None)
    }


@pytest.mark.parametrize("height", [361_582, 739_990])
def test_values_leave_change_out(height: int) -> None:
    text = block_text(height)
    for row, written in zip(decode(text).transactions, json.loads(text, parse_float=satoshi)["tx"], strict=True):
        own = {source["prevout"]["scriptPubKey"].get("address") for source in written["vin"] if "prevout" in source}
        paid: dict[str | None, int] = {}
        for output in written["vout"]:
            address = output["scriptPubKey"].get("address")
            if address is None or address not in own:
                paid[address] = paid.get(address, 0) + output["value"]
        assert row.value == sum(paid.values())
        addressed = {address: amount for address, amount in paid.items() if address}
        if addressed:
            assert row.to_address is not None
            assert addressed[row.to_address.decode()] == max(addressed.values())
        if own:
            assert row.from_address is not None
            assert row.from_address.decode() in own


@pytest.mark.parametrize(
    ("height", "inputs", "outputs"),
    [
        (361_582, {"pubkeyhash": 898, "scripthash": 20}, {"pubkeyhash": 568, "scripthash": 23}),
        (
            739_990,
            {
                "pubkeyhash": 211,
                "scripthash": 1355,
                "witness_v0_keyhash": 557,
                "witness_v0_scripthash": 45,
                "witness_v1_taproot": 1,
            },
            {
                "nulldata": 13,
                "pubkeyhash": 332,
                "scripthash": 802,
                "witness_v0_keyhash": 652,
                "witness_v0_scripthash": 76,
                "witness_v1_taproot": 7,
            },
        ),
    ],
)
def test_every_spent_and_made_output_is_kept(height: int, inputs: dict[str, int], outputs: dict[str, int]) -> None:
    text = block_text(height)
    block = decode(text)
    written = json.loads(text, parse_float=Decimal)["tx"]
    moves = []
    for index, each in enumerate(written):
        spent = [source["prevout"] for source in each["vin"] if "prevout" in source]
        for side, all_of_side in (("in", spent), ("out", each["vout"])):
            for n, output in enumerate(all_of_side):
                script = output["scriptPubKey"]
                moves.append((index, side, n, script.get("address"), script["hex"], Decimal(output["value"]) * 10**8))
    assert [
        (move.tx_index, move.side, move.n, move.address and move.address.decode(), move.script.hex(), move.amount)
        for move in block.utxo_io
    ] == moves
    assert {(move.chain_id, move.block_number, move.block_time) for move in block.utxo_io} == {(0, height, block.time)}

    script_types = {
        side: Counter(
            SCRIPT_TYPES[len(move.script), move.script[:2].hex()] if move.address else "nulldata"
            for move in block.utxo_io
            if move.side == side
        )
        for side in ("in", "out")
    }
    assert script_types == {"in": inputs, "out": outputs}
    assert all(move.script[0] == OP_RETURN for move in block.utxo_io if move.address is None)
    assert {type(move.amount) for move in block.utxo_io} == {Decimal}


@pytest.mark.parametrize("height", [361_582, 739_990])
def test_what_is_spent_is_made_or_a_fee(height: int) -> None:
    text = block_text(height)
    written = json.loads(text, parse_float=Decimal)["tx"]
    block = decode(text)
    assert not [move for move in block.utxo_io if move.tx_index == 0 and move.side == "in"]
    spent = sum(move.amount for move in block.utxo_io if move.side == "in")
    made = sum(move.amount for move in block.utxo_io if move.side == "out" and move.tx_index > 0)
    reward = sum(move.amount for move in block.utxo_io if move.tx_index == 0)
    fees = sum(Decimal(each["fee"]) for each in written[1:]) * 10**8
    assert spent - made == fees == sum(row.fee or 0 for row in block.transactions)
    assert 0 < reward <= Decimal(50) / 2 ** (height // 210_000) * 10**8 + fees


def test_the_first_blocks_add_up_without_previous_outputs() -> None:
    texts = early_blocks()
    blocks = [decode(text) for text in texts]
    assert [block.number for block in blocks] == list(range(439))
    assert blocks[0].parent_hash == bytes(32)
    assert all(child.parent_hash == parent.hash for parent, child in itertools.pairwise(blocks))
    assert all(block.transactions[0].value == 50 * 10**8 for block in blocks)
    others = [row for block in blocks for row in block.transactions[1:]]
    written = [each for text in texts for each in json.loads(text, parse_float=satoshi)["tx"][1:]]
    assert [row.value for row in others] == [sum(output["value"] for output in each["vout"]) for each in written]
    assert {(row.fee, row.from_address) for row in others} == {(None, None)}
    assert blocks[170].transactions[1].value == 50 * 10**8  # the first payment ever: 10 coins, and 40 in change


def test_the_first_blocks_keep_their_outputs() -> None:
    texts = early_blocks()
    moves = [move for text in texts for move in decode(text).utxo_io]
    assert [(move.block_number, move.tx_index, move.side, move.n) for move in moves] == [
        (height, index, "out", n)
        for height, text in enumerate(texts)
        for index, each in enumerate(json.loads(text)["tx"])
        for n in range(len(each["vout"]))
    ]
    assert len(moves) == 451
    assert {(move.address, len(move.script), move.script[-1]) for move in moves} == {(None, 67, OP_CHECKSIG)}
    genesis = moves[0]
    assert (genesis.amount, genesis.script.hex()) == (50 * 10**8, f"41{SATOSHIS_FIRST_KEY}ac")
    to_hal_finney, change = (move for move in moves if (move.block_number, move.tx_index) == (170, 1))
    assert (to_hal_finney.amount, to_hal_finney.script.hex()) == (10 * 10**8, f"41{HAL_FINNEYS_KEY}ac")
    assert change.amount == 40 * 10**8
    assert change.script == next(move.script for move in moves if move.block_number == 9)  # whose coins were spent


def output(value: str, script: str, address: str | None = None) -> dict[str, Any]:
    return {"value": Decimal(value), "scriptPubKey": {"hex": script} | ({"address": address} if address else {})}


def made(inputs: list[dict[str, Any] | None], outputs: list[dict[str, Any]], **more: Any) -> Block:
    """A block of a coinbase and a made-up transaction."""
    coinbase = {
        "txid": "aa" * 32,
        "vsize": 100,
        "vin": [{"coinbase": "00"}],
        "vout": [output("50", "51")],
    }
    spent = [{} if source is None else {"prevout": source} for source in inputs]
    transaction = {"txid": "bb" * 32, "vsize": 141, "vin": spent, "vout": outputs, **more}
    block = {
        "hash": "11" * 32,
        "height": 7,
        "time": 1_700_000_000,
        "previousblockhash": "22" * 32,
        "tx": [coinbase, transaction],
    }
    return decode_block(BITCOIN, msgspec.convert(block, type=RawBlock), 7)


def payment(inputs: list[dict[str, Any] | None], outputs: list[dict[str, Any]], **more: Any) -> Transaction:
    """The row of a made-up transaction."""
    return made(inputs, outputs, **more).transactions[1]


def test_the_largest_sum_of_each_side_names_it() -> None:
    row = payment(
        [output("1", "a1", "alice"), output("1.5", "b1", "bob"), output("1", "a1", "alice")],
        [output("2", "c1", "carol"), output("1.2", "d1", "dave"), output("0.2", "a1", "alice")],
    )
    assert (row.from_address, row.to_address) == (b"alice", b"carol")
    assert (row.value, row.fee) == (320_000_000, 10_000_000)


def test_paying_oneself_moves_nothing() -> None:
    row = payment([output("1", "a1", "alice")], [output("0.6", "a1", "alice"), output("0.3", "a1", "alice")])
    assert (row.value, row.fee, row.to_address) == (0, 10_000_000, b"alice")


def test_change_without_an_address_is_known_by_its_script() -> None:
    row = payment([output("1", "21ff")], [output("0.6", "c1", "carol"), output("0.3", "21ff")])
    assert (row.value, row.from_address, row.to_address) == (60_000_000, None, b"carol")


def test_a_half_known_transaction_has_the_fee_that_the_node_says() -> None:
    row = payment([output("1", "a1", "alice"), None], [output("3", "a1", "alice")], fee=Decimal("0.00000001"))
    assert (row.value, row.fee, row.from_address) == (300_000_000, 1, None)


def test_a_half_known_transaction_keeps_the_inputs_that_are_known() -> None:
    moves = made([None, output("1", "a1", "alice"), None, output("2", "a1")], [output("3", "b1", "bob")]).utxo_io
    assert [(move.side, move.n, move.address, move.script, move.amount) for move in moves if move.tx_index == 1] == [
        ("in", 1, b"alice", b"\xa1", 10**8),
        ("in", 3, None, b"\xa1", 2 * 10**8),
        ("out", 0, b"bob", b"\xb1", 3 * 10**8),
    ]


@given(st.integers(0, 21_000_000 * 10**8))
def test_every_amount_is_exact(amount: int) -> None:
    coins = f"{amount // 10**8}.{amount % 10**8:08d}"
    assert payment([output(coins, "a1", "alice")], [output(coins, "c1", "carol")]).value == amount


@pytest.mark.parametrize(
    ("inputs", "outputs", "more", "fault"),
    [
        ([output("1", "a1")], [output("1.00000001", "c1")], {}, "pays out more than it spends"),
        ([output("1", "a1")], [output("0.000000001", "c1")], {}, "coins cannot be"),
        ([output("1", "a1")], [output("-1", "c1")], {}, "coins cannot be"),
        ([output("21000001", "a1")], [output("1", "c1")], {}, "coins cannot be"),
        ([output("1E+999999", "a1")], [output("1", "c1")], {}, "coins cannot be"),
        ([output("NaN", "a1")], [output("1", "c1")], {}, "coins cannot be"),
        ([output("1", "a")], [output("1", "c1")], {}, "hexadecimal"),
        ([output("1", "a1")], [], {}, "no inputs or no outputs"),
        ([output("1", "a1")], [output("1", "c1")], {"txid": "bb"}, "txid is not 32 bytes"),
        ([output("1", "a1")], [output("1", "c1")], {"txid": "zz" * 32}, "hexadecimal"),
        ([output("1", "a1")], [output("1", "c1")], {"vsize": -1}, "vsize is out of range"),
        ([output("1", "a1")], [output("1", "c1")], {"vin": [{"coinbase": "00"}]}, "only the first"),
        ([output("1", "a1")], [output("1", "c1", "älice")], {}, "ascii"),
    ],
)
def test_what_cannot_be_is_refused(
    inputs: list[dict[str, Any] | None], outputs: list[dict[str, Any]], more: dict[str, Any], fault: str
) -> None:
    with pytest.raises(BadBlock, match=rf"bitcoin block 7 is refused: transaction 1: .*{fault}"):
        payment(inputs, outputs, **more)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"height": 8}, "block 8 instead"),
        ({"time": -1}, "time is out of range"),
        ({"hash": "11"}, "hash is not 32 bytes"),
        ({"previousblockhash": None}, "previousblockhash is not 32 bytes"),
        ({"tx": []}, "not even a coinbase"),
    ],
)
def test_a_header_that_cannot_be_is_refused(changes: dict[str, Any], fault: str) -> None:
    block = {"hash": "11" * 32, "height": 7, "time": 1_700_000_000, "previousblockhash": "22" * 32, "tx": []}
    with pytest.raises(BadBlock, match=fault):
        decode_block(BITCOIN, msgspec.convert(block | changes, type=RawBlock), 7)
