"""A keep filter: what is left out is counted, and takes with it what belongs to it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.blocks import BITCOIN, ETHEREUM, make_block
from txhub.ingest.keep import kept
from txhub.model import Block, Keep


def balance(block: Block) -> tuple[int, set[int]]:
    beside = {row.tx_index for rows in (block.token_transfers, block.utxo_io) for row in rows}
    return block.tx_count, beside - {row.tx_index for row in block.transactions}


@pytest.mark.parametrize("block", [make_block(7, transactions=60), make_block(7, chain=BITCOIN, transactions=60)])
@pytest.mark.parametrize(
    "keep",
    [
        Keep(frozenset({"transfer", "token_transfer"})),
        Keep(None, Decimal("0.25")),
        Keep(frozenset({"transfer"}), Decimal(1000)),
        Keep(frozenset()),
    ],
)
def test_what_is_dropped_is_counted(block: Block, keep: Keep) -> None:
    decimals = (BITCOIN if block.chain_id == 0 else ETHEREUM).decimals
    left = kept(block, keep, decimals)
    assert left.dropped_count == len(block.transactions) - len(left.transactions) > 0
    assert balance(left) == (60, set())
    for row in block.transactions:
        wanted = (keep.kinds is None or row.kind in keep.kinds) and row.value >= keep.least_value * 10**decimals
        assert (row in left.transactions) is wanted
    assert (left.hash, left.parent_hash, left.gas_used) == (block.hash, block.parent_hash, block.gas_used)


def test_a_block_of_which_all_is_kept_is_itself() -> None:
    block = make_block(7)
    assert kept(block, Keep(), ETHEREUM.decimals) is block


def test_filters_count_twice_dropped_transactions_once_each() -> None:
    block = make_block(7, transactions=60)
    once = kept(block, Keep(frozenset({"transfer", "contract_call"})), 18)
    twice = kept(once, Keep(frozenset({"transfer"})), 18)
    assert twice == kept(block, Keep(frozenset({"transfer"})), 18)
