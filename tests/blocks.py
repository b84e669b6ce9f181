"""Blocks made for tests: any number, time and transactions, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from txhub.model import Block, Chain, CoinMove, TokenTransfer, Transaction

ETHEREUM = Chain(1, "ethereum", "evm", "ETH", 18, 12.0, 64, Decimal(100))
BASE = Chain(8453, "base", "evm", "ETH", 18, 2.0, 64, Decimal(100))
BITCOIN = Chain(0, "bitcoin", "utxo", "BTC", 8, 600.0, 6, Decimal(25))
START = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
"""Close enough to midnight that a few hundred blocks of 12 seconds cross a day."""
KINDS = ("transfer", "token_transfer", "nft_transfer", "contract_call", "contract_creation")
TOKEN_KINDS = ("token_transfer", "nft_transfer")
PLACES: tuple[tuple[Literal["in", "out"], int], ...] = (("in", 0), ("in", 1), ("out", 0), ("out", 1))


def make_block(
    number: int,
    *,
    chain: Chain = ETHEREUM,
    transactions: int = 20,
    start: datetime = START,
    branch: str = "",
    fork: int = -1,
) -> Block:
    """Block `number` of a chain, that many block times after `start`; half of its receipts are known.

    A named branch shares every block up to number `fork` with the chain itself, and none after that.
    """
    branch = branch if number > fork else ""
    chance = random.Random(f"{chain.chain_id} {number}{branch}")
    time = start + timedelta(seconds=chain.block_time_s * number)
    rows = [_transaction(chance, chain, number, time, index) for index in range(transactions)]
    return Block(
        chain.chain_id,
        number,
        hash=block_hash(chain, number, branch),
        parent_hash=block_hash(chain, number - 1, branch if number - 1 > fork else ""),
        time=time,
        transactions=rows,
        gas_used=sum(row.gas_used or 0 for row in rows),
        gas_limit=30_000_000,
        base_fee=7,
        size=500 * transactions,
        token_transfers=[_transfer(chance, row) for row in rows if chain.family == "evm" and row.kind in TOKEN_KINDS],
        utxo_io=[_move(chance, row, *place) for row in rows if chain.family == "utxo" for place in PLACES],
    )


def make_blocks(numbers: Iterable[int], *, chain: Chain = ETHEREUM, transactions: int = 20) -> list[Block]:
    """`make_block` for each number."""
    return [make_block(number, chain=chain, transactions=transactions) for number in numbers]


def make_branch(numbers: Iterable[int], name: str, *, fork: int, transactions: int = 20) -> list[Block]:
    """Ethereum's blocks as they are on another branch, which leaves the chain after block `fork`."""
    return [make_block(number, transactions=transactions, branch=name, fork=fork) for number in numbers]


def block_hash(chain: Chain, number: int, branch: str = "") -> bytes:
    """The hash of `make_block(number)`."""
    return random.Random(f"hash {chain.chain_id} {number}{branch}").randbytes(32)


def _transfer(chance: random.Random, row: Transaction) -> TokenTransfer:
    nft = row.kind == "nft_transfer"
    return TokenTransfer(
        chain_id=row.chain_id,
        block_number=row.block_number,
        block_time=row.block_time,
        tx_index=row.tx_index,
        log_index=row.tx_index,
        token_address=chance.randrange(5).to_bytes(20, "big"),
        standard="erc721" if nft else "erc20",
        from_address=row.from_address or bytes(20),
        to_address=chance.randrange(50).to_bytes(20, "big"),
        token_id=Decimal(chance.randrange(10**30)) if nft else None,
        amount=Decimal(1 if nft else chance.randrange(10**30)),
    )


def _move(chance: random.Random, row: Transaction, side: Literal["in", "out"], n: int) -> CoinMove:
    address = b"bcrt1q%d" % chance.randrange(50) if chance.random() < 0.9 else None
    amount = Decimal(chance.randrange(10**9))
    return CoinMove(
        row.chain_id, row.block_number, row.block_time, row.tx_index, side, n, address, chance.randbytes(22), amount
    )


def _transaction(chance: random.Random, chain: Chain, number: int, time: datetime, index: int) -> Transaction:
    known = chance.random() < 0.5
    kind = chance.choice(KINDS)
    return Transaction(
        chain_id=chain.chain_id,
        block_number=number,
        block_time=time,
        tx_index=index,
        hash=chance.randbytes(32),
        from_address=chance.randrange(50).to_bytes(20, "big"),
        to_address=None if kind == "contract_creation" else chance.randrange(50).to_bytes(20, "big"),
        value=Decimal(chance.choice([0, chance.randrange(10**18), chance.randrange(10**24)])),
        fee=Decimal(chance.randrange(10**16)) if known else None,
        gas_used=chance.randrange(21_000, 10**6) if known else None,
        gas_price=chance.randrange(10**11),
        tx_type=chance.choice([0, 2]),
        kind=kind,
        method_id=chance.randbytes(4) if kind != "transfer" else None,
        input_size=chance.randrange(1000),
        nonce=chance.randrange(10**6),
        success=chance.random() < 0.9 if known else None,
    )
