"""Blocks with transfers that a test plants: of coins, of tokens, and of Bitcoin's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from tests.blocks import block_hash
from txhub.model import Block, Chain, CoinMove, TokenTransfer, Transaction

TOKEN = b"\x7f" * 20


class Sent(NamedTuple):
    """A transfer on an EVM chain; of a token where `token` says so."""

    sender: bytes
    receiver: bytes
    amount: int = 10**18
    token: bytes | None = None
    success: bool | None = True


class Spent(NamedTuple):
    """A transaction of Bitcoin: addresses with what they spend, and with what is made for them."""

    inputs: Sequence[tuple[bytes | None, int]]
    outputs: Sequence[tuple[bytes | None, int]]


def block_of(chain: Chain, number: int, time: datetime, happened: Sequence[Sent | Spent], branch: str = "") -> Block:
    """A block of these transactions; hashes follow from what happens in it, so a branch may hold the same ones."""
    block = Block(
        chain.chain_id,
        number,
        hash=block_hash(chain, number, branch),
        parent_hash=block_hash(chain, number - 1, branch),
        time=time,
        transactions=[],
    )
    for index, each in enumerate(happened):
        if isinstance(each, Sent):
            _send(block, index, each)
        else:
            _spend(block, index, each)
    return block


def linked_to(block: Block, parent_hash: bytes) -> Block:
    """The same block on top of another one."""
    return replace(block, parent_hash=parent_hash)


def hash_of(number: int, index: int, each: Sent | Spent) -> bytes:
    """The hash of a transaction that was planted there."""
    return sha256(f"{number} {index} {each}".encode()).digest()


def _transaction(block: Block, index: int, each: Sent | Spent) -> Transaction:
    return Transaction(
        *(block.chain_id, block.number, block.time, index, hash_of(block.number, index, each)),
        from_address=None,
        to_address=None,
        value=Decimal(0),
        fee=Decimal(1000),
        gas_used=21_000,
        gas_price=1,
        tx_type=2,
        kind="transfer",
        method_id=None,
        input_size=0,
        nonce=index,
        success=True,
    )


def _send(block: Block, index: int, each: Sent) -> None:
    coin = each.token is None
    block.transactions.append(
        _transaction(block, index, each)._replace(
            from_address=each.sender,
            to_address=each.receiver if coin else each.token,
            value=Decimal(each.amount if coin else 0),
            kind="transfer" if coin else "token_transfer",
            success=each.success,
        )
    )
    if not coin:
        place = (block.chain_id, block.number, block.time, index, index, each.token, "erc20")
        block.token_transfers.append(
            TokenTransfer(*place, each.sender, each.receiver, None, Decimal(each.amount))  # type: ignore[arg-type]
        )


def _spend(block: Block, index: int, each: Spent) -> None:
    def largest(side: Sequence[tuple[bytes | None, int]]) -> bytes | None:
        return max(side, key=lambda own: own[1])[0] if side else None

    block.transactions.append(
        _transaction(block, index, each)._replace(
            from_address=largest(each.inputs),
            to_address=largest(each.outputs),
            value=Decimal(sum(amount for _, amount in each.outputs)),
            success=None,
        )
    )
    for side, moves in (("in", each.inputs), ("out", each.outputs)):
        for n, (address, amount) in enumerate(moves):
            place = (block.chain_id, block.number, block.time, index, side, n)
            block.utxo_io.append(CoinMove(*place, address, b"\x00", Decimal(amount)))  # type: ignore[arg-type]


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
