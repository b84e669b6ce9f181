"""Large transfers of recorded mainnet blocks, against the same counted from the nodes' JSON."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from tests.bitcoins import block_text
from tests.data import MAINNET, recorded
from txhub.chain.bitcoin_decode import RawBlock as RawBitcoinBlock
from txhub.chain.bitcoin_decode import decode_block as decode_bitcoin
from txhub.chain.decode import RawBlock, decode_block
from txhub.chain.registry import CHAINS
from txhub.detect.facts import Facts
from txhub.detect.look import look
from txhub.detect.rows import rows_of
from txhub.detect.rules import define
from txhub.model import Block
from txhub.store.alerts import Finding

ETHEREUM, BITCOIN = CHAINS["ethereum"], CHAINS["bitcoin"]


def found(blocks: list[Block], amount: str) -> list[Finding]:
    chain = ETHEREUM if blocks[0].chain_id == ETHEREUM.chain_id else BITCOIN
    start = min(block.time for block in blocks)
    end = max(block.time for block in blocks) + timedelta(seconds=1)
    return look(define({"pattern": "amount", "amount": amount}), rows_of(blocks), Facts(chain), start, end)


def test_exactly_the_two_transfers_of_100_ether_and_more_alarm() -> None:
    with gzip.open(recorded(MAINNET)) as lines:
        texts = list(lines)
    said = [
        (each["hash"], int(each["value"], 16), datetime.fromtimestamp(int(block["timestamp"], 16), UTC))
        for block in map(json.loads, texts)
        for each in block["transactions"]
        if int(each["value"], 16) >= 100 * 10**18
    ]
    least, most = sorted(Decimal(value).scaleb(-18) for _, value, _ in said)
    assert (round(least, 3), round(most, 2)) == (Decimal("122.104"), Decimal("244.28"))
    raw = [msgspec.json.decode(text, type=RawBlock) for text in texts]
    blocks = [decode_block(ETHEREUM, each, int(each.number, 16)) for each in raw]
    alarms = found(blocks, "100")
    assert sorted((each.subject, each.value, each.started_at) for each in alarms) == sorted(said)
    assert all(each.hash is not None and each.subject == f"0x{each.hash.hex()}" for each in alarms)
    wei = Decimal("1e-18")
    assert [len(found(blocks, str(bound))) for bound in (least, least + wei, most, most + wei)] == [2, 1, 1, 0]


@pytest.mark.parametrize("height", [361_582, 739_990])
@pytest.mark.parametrize("coins", ["1", "10", "50"])
def test_outputs_of_so_many_bitcoins_to_somebody_else_alarm(height: int, coins: str) -> None:
    text = block_text(height)
    said: dict[str, Decimal] = {}
    for each in json.loads(text, parse_float=Decimal)["tx"][1:]:
        spent_from = {source["prevout"]["scriptPubKey"]["hex"] for source in each["vin"]}
        for output in each["vout"]:
            if output["value"] >= Decimal(coins) and output["scriptPubKey"]["hex"] not in spent_from:
                said[each["txid"]] = said.get(each["txid"], Decimal(0)) + output["value"]
    assert said
    raw = msgspec.json.decode(text, type=RawBitcoinBlock)
    alarms = found([decode_bitcoin(BITCOIN, raw, height)], coins)
    assert {each.subject: Decimal(each.value or 0).scaleb(-8) for each in alarms} == said
